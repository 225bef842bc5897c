package alarmtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// evaluateExpression evaluates the part of CloudWatch's metric math that the alarms use, for one period: IF, FILL, AVG, MAX, AND and >=
// (CloudWatch user guide, "Metric math syntax and functions"). It parses an expression as one of Go.
func evaluateExpression(text string, values map[string]datapoint) (datapoint, error) {
	e, err := parser.ParseExpr(strings.NewReplacer(" AND ", " && ", "[", "list{", "]", "}").Replace(text))
	if err != nil {
		return datapoint{}, fmt.Errorf("%s: %w", text, err)
	}
	return evaluateNode(e, values)
}

func evaluateNode(e ast.Expr, values map[string]datapoint) (datapoint, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return evaluateNode(e.X, values)
	case *ast.BasicLit:
		value, err := strconv.ParseFloat(e.Value, 64)
		return datapoint{value, true}, err
	case *ast.Ident:
		value, found := values[e.Name]
		if !found {
			return datapoint{}, fmt.Errorf("there is no metric %s", e.Name)
		}
		return value, nil
	case *ast.BinaryExpr:
		return evaluateOperator(e, values)
	case *ast.CallExpr:
		return evaluateCall(e, values)
	}
	return datapoint{}, fmt.Errorf("unknown syntax %T", e)
}

func evaluateOperator(e *ast.BinaryExpr, values map[string]datapoint) (datapoint, error) {
	left, err := evaluateNode(e.X, values)
	if err != nil {
		return datapoint{}, err
	}
	right, err := evaluateNode(e.Y, values)
	if err != nil {
		return datapoint{}, err
	}
	var isTrue bool
	switch e.Op {
	case token.GEQ:
		isTrue = left.value >= right.value
	case token.LAND:
		isTrue = left.value != 0 && right.value != 0
	default:
		return datapoint{}, fmt.Errorf("unknown operator %s", e.Op)
	}
	out := datapoint{present: left.present && right.present}
	if isTrue {
		out.value = 1
	}
	return out, nil
}

func evaluateCall(e *ast.CallExpr, values map[string]datapoint) (datapoint, error) {
	name, ok := e.Fun.(*ast.Ident)
	if !ok {
		return datapoint{}, fmt.Errorf("unknown function %T", e.Fun)
	}
	if name.Name == "AVG" || name.Name == "MAX" {
		return combineList(name.Name, e.Args, values)
	}
	arguments := make([]datapoint, len(e.Args))
	for n, argument := range e.Args {
		value, err := evaluateNode(argument, values)
		if err != nil {
			return datapoint{}, err
		}
		arguments[n] = value
	}
	switch {
	case name.Name == "FILL" && len(arguments) == 2:
		if arguments[0].present {
			return arguments[0], nil
		}
		return arguments[1], nil
	case name.Name == "IF" && len(arguments) == 3:
		switch {
		case !arguments[0].present:
			return datapoint{}, nil
		case arguments[0].value != 0:
			return arguments[1], nil
		}
		return arguments[2], nil
	}
	return datapoint{}, fmt.Errorf("unknown function %s with %d arguments", name.Name, len(arguments))
}

// combineList returns the mean or the maximum of those metrics of a list that have a datapoint.
func combineList(function string, arguments []ast.Expr, values map[string]datapoint) (datapoint, error) {
	var list *ast.CompositeLit
	if len(arguments) == 1 {
		list, _ = arguments[0].(*ast.CompositeLit)
	}
	if list == nil {
		return datapoint{}, fmt.Errorf("%s needs one list", function)
	}
	var out datapoint
	count := 0.0
	for _, element := range list.Elts {
		value, err := evaluateNode(element, values)
		if err != nil {
			return datapoint{}, err
		}
		if !value.present {
			continue
		}
		count++
		switch {
		case !out.present:
			out = value
		case function == "MAX":
			out.value = max(out.value, value.value)
		default:
			out.value += (value.value - out.value) / count
		}
	}
	return out, nil
}
