"""Where quotes, ticks and bars come from."""
