"""Traffic control: shares of networks in what a host sends, and mirrors of ports."""
