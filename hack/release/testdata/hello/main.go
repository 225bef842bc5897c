// Command hello stands in for the operator.
package main

var version string

func main() { println("hello", version) }
