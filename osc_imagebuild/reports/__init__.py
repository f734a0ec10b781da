"""What can be shown of finished images."""
