"""Where the bytes of backups are kept, and how they come there and back."""
