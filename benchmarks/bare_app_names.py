"""What the bare producer and the bare worker agree on."""

EXECUTE = "bare.execute"
SECRET = b"benchmark"
