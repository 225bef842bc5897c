package catalog

import (
	"errors"
	"fmt"
	"strconv"
)

// EBSLimits is what an instance can read and write on its EBS volumes together. The volumes may have lower limits of their own.
type EBSLimits struct {
	// IOPS is the number of operations of 16 KiB per second.
	IOPS float64
	// BytesPerSecond is the throughput.
	BytesPerSecond float64
}

// IsKnown reports whether a source has the limits.
func (l EBSLimits) IsKnown() bool { return l.IOPS > 0 && l.BytesPerSecond > 0 }

// BurstsOnEBS reports whether the class reaches more than its baseline for a time. Only such classes publish the EBSIOBalance% and
// EBSByteBalance% metrics (RDS user guide, "Amazon CloudWatch metrics for Amazon RDS").
func (c Class) BurstsOnEBS() bool {
	return c.MaxEBS.IOPS > c.BaselineEBS.IOPS || c.MaxEBS.BytesPerSecond > c.BaselineEBS.BytesPerSecond
}

// The columns of the EBS limits in the table.
const (
	columnEBSMbps = 11 + iota
	columnEBSIOPS
	columnEBSMaxMbps
	columnEBSMaxIOPS
	columnEBSSource
)

// parseEBSLimits parses the EBS limits of a row. They are all there, with their source, or all missing.
func parseEBSLimits(row []string) (baseline, highest EBSLimits, err error) {
	columns := row[columnEBSMbps : columnEBSSource+1]
	empty := 0
	for _, text := range columns {
		if text == "" {
			empty++
		}
	}
	if empty == len(columns) {
		return EBSLimits{}, EBSLimits{}, nil
	}
	if empty > 0 {
		return EBSLimits{}, EBSLimits{}, fmt.Errorf("%s: the EBS limits and their source must all be given, or none of them", row[0])
	}
	baseline, errBaseline := parseLimits(row[columnEBSMbps], row[columnEBSIOPS])
	highest, errMax := parseLimits(row[columnEBSMaxMbps], row[columnEBSMaxIOPS])
	if err := errors.Join(errBaseline, errMax); err != nil {
		return EBSLimits{}, EBSLimits{}, err
	}
	if !baseline.IsKnown() || highest.IOPS < baseline.IOPS || highest.BytesPerSecond < baseline.BytesPerSecond {
		return EBSLimits{}, EBSLimits{}, fmt.Errorf("%s: the EBS limits must be above zero, and the highest not below the baseline", row[0])
	}
	return baseline, highest, nil
}

// parseLimits parses a throughput in millions of bits per second and a number of operations per second.
func parseLimits(mbps, iops string) (EBSLimits, error) {
	bits, errBits := strconv.ParseFloat(mbps, 64)
	operations, errIOPS := strconv.ParseFloat(iops, 64)
	const bytesPerMegabit = 1e6 / 8
	return EBSLimits{IOPS: operations, BytesPerSecond: bits * bytesPerMegabit}, errors.Join(errBits, errIOPS)
}
