"""Seven demo services of a microservice shop, their faults and their traffic."""
