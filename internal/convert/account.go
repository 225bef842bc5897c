package convert

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// AccountDenial is why a policy may not use the AWS identity that it names; the zero value when it may. The message names nothing of AWS
// but what the policy itself names.
type AccountDenial struct{ Reason, Message string }

// AccountRequired denies a policy that names no AWSAccount where the installation requires one.
func AccountRequired() AccountDenial {
	return AccountDenial{v1alpha1.ReasonAccountRequired, "The policy names no AWSAccount, and this installation requires " +
		"one. Set spec.targetRef.accountRef to an AWSAccount that an administrator offers to this namespace"}
}

// AccountNotFound denies a policy that names an AWSAccount that does not exist.
func AccountNotFound(name string) AccountDenial {
	return AccountDenial{v1alpha1.ReasonAccountNotFound, fmt.Sprintf("There is no AWSAccount named %q. Correct "+
		"spec.targetRef.accountRef, or ask an administrator to create it", name)}
}

// AccountSelector returns the selector of the namespaces whose policies may use an account, or why it is invalid. A missing selector
// selects nothing.
func AccountSelector(account *v1alpha1.AWSAccount) (labels.Selector, AccountDenial) {
	selector, err := metav1.LabelSelectorAsSelector(account.Spec.NamespaceSelector)
	if err != nil {
		return nil, AccountDenial{v1alpha1.ReasonInvalidAccount, fmt.Sprintf("The namespaceSelector of the AWSAccount %q is invalid: ask an "+
			"administrator to correct it", account.Name)}
	}
	return selector, AccountDenial{}
}

// CheckAccountAccess says why the policies of a namespace with these labels may not use an account in a region.
func CheckAccountAccess(
	account *v1alpha1.AWSAccount, selector labels.Selector, namespace string, namespaceLabels map[string]string, region string,
) AccountDenial {
	regions := account.Spec.Regions
	switch {
	case !selector.Matches(labels.Set(namespaceLabels)):
		return AccountDenial{v1alpha1.ReasonNamespaceNotAllowed, fmt.Sprintf("Policies of the namespace %s may not use the AWSAccount %q: its "+
			"namespaceSelector does not select the namespace. Ask an administrator to allow it", namespace, account.Name)}
	case len(regions) > 0 && !slices.Contains(regions, v1alpha1.Region(region)):
		return AccountDenial{v1alpha1.ReasonRegionNotAllowed, fmt.Sprintf("The AWSAccount %q may not be used in the region %s. Ask an "+
			"administrator to allow it", account.Name, region)}
	}
	return AccountDenial{}
}

// AccountScope returns an account in a region; without an account the operator's own identity.
func AccountScope(account *v1alpha1.AWSAccount, region string) scaling.Scope {
	if account == nil {
		return scaling.Scope{Region: region}
	}
	return scaling.Scope{
		Region: region, Account: account.Name, RoleARN: account.Spec.RoleARN, ExternalID: account.Spec.ExternalID,
	}
}
