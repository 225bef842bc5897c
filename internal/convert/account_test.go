package convert

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestCheckAccountAccess(t *testing.T) {
	selectShop := &metav1.LabelSelector{MatchLabels: map[string]string{"team": "shop"}}
	for _, test := range []struct {
		name     string
		selector *metav1.LabelSelector
		regions  []v1alpha1.Region
		want     string
	}{
		{"selected namespace", selectShop, nil, ""},
		{"every namespace", &metav1.LabelSelector{}, []v1alpha1.Region{"eu-west-1"}, ""},
		{"another namespace", &metav1.LabelSelector{MatchLabels: map[string]string{"team": "billing"}}, nil, v1alpha1.ReasonNamespaceNotAllowed},
		{"no selector", nil, nil, v1alpha1.ReasonNamespaceNotAllowed},
		{"another region", selectShop, []v1alpha1.Region{"eu-central-1"}, v1alpha1.ReasonRegionNotAllowed},
		{"invalid selector", &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: "Is"}}}, nil,
			v1alpha1.ReasonInvalidAccount},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := &v1alpha1.AWSAccount{ObjectMeta: metav1.ObjectMeta{Name: "production"},
				Spec: v1alpha1.AWSAccountSpec{NamespaceSelector: test.selector, Regions: test.regions}}
			selector, denied := AccountSelector(account)
			if denied.Reason == "" {
				denied = CheckAccountAccess(account, selector, "shop", map[string]string{"team": "shop"}, "eu-west-1")
			}
			if denied.Reason != test.want || (denied.Message == "") != (test.want == "") || test.want != "" && !strings.Contains(denied.Message, `"production"`) {
				t.Errorf("got %+v, want %q", denied, test.want)
			}
		})
	}
}

func TestAccountScope(t *testing.T) {
	account := &v1alpha1.AWSAccount{ObjectMeta: metav1.ObjectMeta{Name: "production"}, Spec: v1alpha1.AWSAccountSpec{RoleARN: "role", ExternalID: "id"}}
	if got, want := AccountScope(account, "eu-west-1"), (scaling.Scope{Region: "eu-west-1", Account: "production", RoleARN: "role", ExternalID: "id"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := AccountScope(nil, "eu-west-1"); got != (scaling.Scope{Region: "eu-west-1"}) {
		t.Errorf("without an account: got %+v", got)
	}
}
