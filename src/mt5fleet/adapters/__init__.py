"""One folder per outside thing; each implements a port."""
