"""What leaves and enters as files, sans-IO: calendar feeds and CSV."""
