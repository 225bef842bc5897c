// Package scaling defines the types that all parts of dbscaler share: the policy, the observation of a database, the
// decision, the operation that carries it out, and the ports through which databases are observed and changed.
//
// Nothing in this package or below it reads a clock, the environment or the network. Time is an argument.
package scaling
