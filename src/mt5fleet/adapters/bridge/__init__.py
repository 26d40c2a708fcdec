"""The wire to the bridges."""

import os

# gRPC reads it once, when it is first imported. Without it a worker that Celery forks after its parent
# spoke with a bridge hangs at its first call (gRPC, doc/fork_support.md).
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "1")
