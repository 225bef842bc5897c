package scaling

import "testing"

func TestIsOptedIn(t *testing.T) {
	tests := []struct {
		name      string
		tags      map[string]string
		namespace string
		want      bool
	}{
		{"namespace of the policy", map[string]string{TagOptIn: "platform"}, "platform", true},
		{"another namespace", map[string]string{TagOptIn: "platform"}, "billing", false},
		{"any namespace", map[string]string{TagOptIn: OptInAny}, "platform", true},
		{"asterisk, which RDS refuses as a tag value", map[string]string{TagOptIn: "*"}, "platform", false},
		{"no tag", nil, "platform", false},
		{"empty tag and empty namespace", map[string]string{TagOptIn: ""}, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := IsOptedIn(test.tags, test.namespace); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
