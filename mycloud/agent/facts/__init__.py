"""What a host is: its processors, memory, disks, and the versions of its programs."""
