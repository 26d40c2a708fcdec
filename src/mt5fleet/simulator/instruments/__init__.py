"""What the broker trades: symbols, their terms and their trading hours."""
