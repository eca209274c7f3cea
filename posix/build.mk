SERVICES += posix
