"""What the two workshop ERPs' stand-ins share: the shop with its cases and products, Danish numbers, staged faults."""
