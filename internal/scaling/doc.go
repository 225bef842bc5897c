// Package scaling holds the words that every other part of dbscaler speaks: the policy, what was observed, what was
// decided, and the ports through which databases are observed and changed.
//
// Nothing in this package or below it reads a clock, an environment or a network. Time is an argument.
package scaling
