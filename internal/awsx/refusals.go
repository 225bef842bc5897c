package awsx

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// classErrorCodes are the codes, without the suffix "Fault", with which AWS refuses a request that another class may satisfy: the
// parameters do not fit together, or the class does not support a storage or network type. Every other code names another cause, for
// example a key or a subnet group (RDS API reference, errors of CreateDBInstance, CreateDBInstanceReadReplica and ModifyDBInstance).
var classErrorCodes = []string{
	"InvalidParameterCombination", "InvalidParameterValue", "NetworkTypeNotSupported", "ProvisionedIopsNotAvailableInAZ",
	"StorageTypeNotSupported", "ValidationError",
}

// sourceRefusals are parts of the texts with which AWS refuses any class, although the code is one of classErrorCodes
// (terraform-aws-modules/terraform-aws-rds#532).
var sourceRefusals = []string{"ManageMasterUserPassword"}

// AboutClass implements the interface of scaling.IsAboutClass.
func (e *awsError) AboutClass() bool {
	var apiErr smithy.APIError
	if !errors.As(e.err, &apiErr) {
		return true
	}
	aboutSource := slices.ContainsFunc(sourceRefusals, func(text string) bool { return strings.Contains(apiErr.ErrorMessage(), text) })
	return slices.Contains(classErrorCodes, strings.TrimSuffix(apiErr.ErrorCode(), "Fault")) && !aboutSource
}

// insightsRemedy is what to do when AWS refuses the settings of Performance Insights of the writer for a new instance.
const insightsRemedy = "a new reader takes the settings of Performance Insights from the writer: set their retention to 7 days, or turn " +
	"Performance Insights off for the writer, or allow another class"

// refusalRemedy returns what to do about a refusal whose text does not say it, or nothing.
func refusalRemedy(apiErr smithy.APIError) string {
	isParameter := strings.HasPrefix(apiErr.ErrorCode(), "InvalidParameter")
	text := strings.ReplaceAll(strings.ToLower(apiErr.ErrorMessage()), " ", "")
	if isParameter && strings.Contains(text, "performanceinsights") {
		return insightsRemedy
	}
	return ""
}
