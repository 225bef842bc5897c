// A small program that stands in for the operator, so that a test can build it with an empty build cache.
module example.com/hello

go 1.26.0
