package model

import "fmt"

func invalidCombination(format string, args ...any) *APIError {
	return &APIError{"InvalidParameterCombination", fmt.Sprintf(format, args...), 400}
}

func invalidValue(format string, args ...any) *APIError {
	return &APIError{"InvalidParameterValue", fmt.Sprintf(format, args...), 400}
}

func insufficientCapacity(format string, args ...any) *APIError {
	return &APIError{"InsufficientDBInstanceCapacity", fmt.Sprintf(format, args...), 400}
}

func quotaExceeded(format string, args ...any) *APIError {
	return &APIError{"InstanceQuotaExceeded", fmt.Sprintf(format, args...), 400}
}

func invalidPromotionTier() *APIError {
	return invalidValue("Promotion tier must be from 0 to %d.", maxPromotionTier)
}

// instanceNotAvailable is the error of AWS for a change of an instance whose status is not available.
func instanceNotAvailable() *APIError {
	return &APIError{"InvalidDBInstanceState", "Database instance is not in available state.", 400}
}

// clusterNotAvailable is the error of AWS for a change of a cluster whose status is not available.
func clusterNotAvailable(c *Cluster) *APIError {
	return &APIError{"InvalidDBClusterStateFault", fmt.Sprintf("DB cluster %s is not in available state.", c.Identifier), 400}
}
