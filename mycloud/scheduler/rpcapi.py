"""Messages to the scheduler: doorbells only (see mycloud.journal.rpcapi)."""

TOPIC = "scheduler"
