SERVICES += pm/rs
