"""The daemons under the libvirt driver, and which accelerator can be trusted."""
