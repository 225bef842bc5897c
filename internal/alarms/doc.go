// Package alarms derives CloudWatch alarms from a policy and prints them for Terraform, CloudFormation, ACK, Crossplane and Prometheus.
// The alarms run in AWS, so that they also work while the Kubernetes cluster of the operator is down (CAPA-1 of the post-mortem).
//
// # The alarms
//
// LoadHigh (warning): the CPU of a role has been at or above cpu.scaleUpPercent for longer than the operator needs to relieve it. That
// is the scale-up window, what the steps of the longest usual operation take (operation.UsualDuration), and detectionDelay. The
// datapoints cover the scale-up window, at most five minutes, so that they are compared with the threshold as the operator compares its
// window. All of them must reach it: the operator starts again when the load falls below it.
//
// Saturated (critical): 95 % (scaling.SaturationPercent) in four of five minutes. Above it the demand is not known, only that queries
// wait. One minute is spared, so that a single dip or a late sample does not delay the alarm.
//
// NotScaled (critical) is the dead-man's alarm: 95 % or more, for as long as LoadHigh waits and for at least ten minutes, and no
// instance was added or changed. For Aurora the second half is visible in CloudWatch: a created or resized instance starts its engine
// anew, so that EngineUptime of its role is short. An instance that started within the time of the alarm and the cooldown, at most an
// hour, means that somebody acts, and the expression is 0. Where CloudWatch has no EngineUptime, outside Aurora, and where an operation
// restarts nothing, in Aurora Serverless v2, only the time remains: it is longer than any single operation takes. A database that
// crashes again and again also has a short EngineUptime: Saturated fires all the same. An alarm cannot count instances: SEARCH is not
// permitted in alarms (CDK reference, MathExpression), and the expression must return one time series (CloudWatch API reference,
// MetricDataQuery).
//
// CapacityAtMaximum (warning): Aurora Serverless v2 has used its maximum capacity, for its CPU or its memory, for as long as LoadHigh
// waits.
//
// MetricsMissing (critical): the database has published no CPUUtilization for 15 minutes.
//
// # Missing data
//
// Missing data is missing: the load alarms treat it as "missing", so that CloudWatch judges by the newest datapoints that exist, and
// shows INSUFFICIENT_DATA when there are none. They neither fire for a database that is stopped, nor end an alarm because of a gap.
// Only MetricsMissing treats it as breaching; no value of the metric breaches its threshold. CloudWatch has no metric that tells a
// stopped database from a broken one, so that MetricsMissing is left out on request (Options.MayBeStopped), and where Aurora Serverless
// v2 may pause by policy. Readers have none: a pool may be empty, and the operator removes its own readers.
//
// # Dimensions
//
// An Aurora cluster has metrics by role (DBClusterIdentifier and Role), which follow a failover (Aurora user guide, "Creating
// CloudWatch alarms"). For Multi-AZ DB clusters they are not documented, so that the alarms take the largest value of the members:
// their names do not change when they are resized. CloudWatch has no mean over the read replicas of an instance; they are named one by
// one.
package alarms
