package model

import (
	"fmt"
	"strings"
	"testing"
)

// TestAddTags_ChecksGrammar checks the grammar and the reserved prefixes of tags (RDS API reference, Tag).
func TestAddTags_ChecksGrammar(t *testing.T) {
	const grammar = `may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + \ - @`
	many := map[string]string{}
	for n := range maxTags + 1 {
		many[fmt.Sprint("key", n)] = ""
	}
	for _, test := range []struct {
		name    string
		tags    map[string]string
		message string // empty when AWS accepts the tags
	}{
		{"legal", map[string]string{"dbscaler.io/policy-namespace": "@any", "Kostenstelle für IT": "4711 = a+b/c_d.e:f-g", "empty": ""}, ""},
		{"asterisk", map[string]string{"dbscaler.io/policy-namespace": "*"}, "Tag values " + grammar},
		{"comma in the key", map[string]string{"a,b": ""}, "Tag keys " + grammar},
		{"empty key", map[string]string{"": "a"}, "Tag keys must be between 1 and 128 characters in length."},
		{"long value", map[string]string{"a": strings.Repeat("ü", 257)}, "Tag values must be between 0 and 256 characters in length."},
		{"longest value", map[string]string{"a": strings.Repeat("ü", 256)}, ""},
		{"prefix aws: of the key", map[string]string{"aws:cloudformation:stack-name": "a"}, `Tag keys cannot start with the reserved prefix "aws:".`},
		{"prefix of the key in upper case", map[string]string{"AWS:a": "a"}, `Tag keys cannot start with the reserved prefix "aws:".`},
		{"prefix rds: of the value", map[string]string{"a": "rds:a"}, `Tag values cannot start with the reserved prefix "rds:".`},
		{"too many", many, "The resource has 51 tags, and the limit is 50."},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
			arn := must[*Instance](t)(w.Instance(testRegion, "orders-1")).ARN()
			_, createErr := w.CreateInstance(testRegion, CreateInstanceRequest{
				Identifier: "orders-2", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large", Tags: test.tags,
			})
			for request, err := range map[string]error{"AddTagsToResource": w.AddTags(arn, test.tags), "CreateDBInstance": createErr} {
				if test.message != "" {
					assertAPIError(t, err, "InvalidParameterValue", 400, test.message)
				} else if err != nil {
					t.Errorf("%s: %v", request, err)
				}
			}
		})
	}
}

// TestScenario_ChecksTags: a database of a scenario can have tags that AWS set itself, but none outside the grammar.
func TestScenario_ChecksTags(t *testing.T) {
	for value, valid := range map[string]bool{"@any": true, "*": false} {
		for _, change := range []func(d *Database, tags map[string]string){
			func(d *Database, tags map[string]string) { d.Tags = tags },
			func(d *Database, tags map[string]string) { d.Instances[0].Tags = tags },
		} {
			d := auroraCluster(1, 1, "db.r6g.large")
			change(&d, map[string]string{"aws:cloudformation:stack-name": value})
			s := Scenario{AccountID: testAccount, Databases: []Database{d}}
			s.Start.Time = testStart
			if err := s.Validate(); (err == nil) != valid {
				t.Errorf("value %q: %v", value, err)
			}
		}
	}
}
