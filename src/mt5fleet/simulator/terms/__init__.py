"""What a simulated broker is told, part by part."""
