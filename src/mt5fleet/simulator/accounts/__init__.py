"""What accounts hold and what it is worth."""
