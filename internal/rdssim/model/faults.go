package model

import "fmt"

func invalidCombination(format string, args ...any) *Fault {
	return &Fault{"InvalidParameterCombination", fmt.Sprintf(format, args...), 400}
}

func invalidValue(format string, args ...any) *Fault {
	return &Fault{"InvalidParameterValue", fmt.Sprintf(format, args...), 400}
}

func noCapacity(format string, args ...any) *Fault {
	return &Fault{"InsufficientDBInstanceCapacity", fmt.Sprintf(format, args...), 400}
}

func overQuota(format string, args ...any) *Fault {
	return &Fault{"InstanceQuotaExceeded", fmt.Sprintf(format, args...), 400}
}

func invalidTier() *Fault { return invalidValue("Promotion tier must be from 0 to %d.", lastTier) }

// instanceBusy is what AWS answers about an instance that is not available.
func instanceBusy() *Fault {
	return &Fault{"InvalidDBInstanceState", "Database instance is not in available state.", 400}
}

func clusterBusy(c *Cluster) *Fault {
	return &Fault{"InvalidDBClusterStateFault", fmt.Sprintf("DB cluster %s is not in available state.", c.Identifier), 400}
}
