"""Small servers on loopback that behave as the outside systems' contracts say, faults included; no job imports them."""
