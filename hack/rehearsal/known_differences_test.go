package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/hack/rehearsal/fixture"
)

// TestKnownDifferences_NameNothingThatTheOperatorReads checks that no accepted difference hides a value that internal/awsx uses.
func TestKnownDifferences_NameNothingThatTheOperatorReads(t *testing.T) {
	known, err := fixture.ParseKnownDifferences(knownDifferencesFile)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../internal/awsx/*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		assigned := map[ast.Node]bool{} // a value that is only cleared is not used
		ast.Inspect(file, func(node ast.Node) bool {
			if assignment, isAssignment := node.(*ast.AssignStmt); isAssignment && assignment.Tok == token.ASSIGN {
				for _, left := range assignment.Lhs {
					assigned[left] = true
				}
			}
			if selector, isSelector := node.(*ast.SelectorExpr); isSelector && !assigned[node] {
				read[selector.Sel.Name] = true
			}
			return true
		})
	}
	if !read["DBInstanceStatus"] || !read["SupportsClusters"] {
		t.Fatal("the values that internal/awsx reads were not found")
	}
	for _, entry := range known {
		for _, name := range entry.Names {
			if read[name] {
				t.Errorf("the entry %q accepts differences of %s, which internal/awsx reads", entry.Reason, name)
			}
		}
		if !entry.OnlyInAWS {
			t.Errorf("the entry %q accepts values that AWS lacks", entry.Reason)
		}
	}
}
