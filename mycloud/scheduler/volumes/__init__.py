"""Places volumes on the pools of storage backends."""
