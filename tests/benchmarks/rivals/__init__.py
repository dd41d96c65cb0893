"""What `feeds serve` is measured beside: applications for granian, each in a module of its own, and nginx."""
