SERVICES += drivers/host
