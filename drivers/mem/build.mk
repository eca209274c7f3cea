SERVICES += drivers/mem
