package catalog

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// classMemoryVariable is the only variable of formulas that depends on the class and that is evaluated here.
const classMemoryVariable = "DBInstanceClassMemory"

// evaluateFormula returns the value of a parameter on an instance with the given DBInstanceClassMemory in bytes, and whether the value
// depends on it. The value is a number or a formula: terms in braces with * and /, log, and the functions GREATEST, LEAST and SUM.
// Division and log give whole numbers (RDS user guide, "Specifying DB parameters"). The error names what cannot be evaluated.
func evaluateFormula(text string, classMemory float64) (value float64, dependsOnClass bool, err error) {
	p := &formulaParser{rest: text, classMemory: classMemory}
	value, err = p.expression()
	if p.skipSpace(); err == nil && p.rest != "" {
		err = fmt.Errorf("unexpected %q", p.rest)
	}
	if err != nil {
		return 0, false, fmt.Errorf("the formula %q: %w", text, err)
	}
	return value, p.dependsOnClass, nil
}

// formulaParser parses a formula by recursive descent.
type formulaParser struct {
	rest           string
	classMemory    float64
	dependsOnClass bool
	depth          int
}

// maxFormulaDepth bounds the nesting of a formula.
const maxFormulaDepth = 16

func (p *formulaParser) skipSpace() { p.rest = strings.TrimLeft(p.rest, " \t\n") }

// accept consumes a token if it comes next.
func (p *formulaParser) accept(token string) bool {
	p.skipSpace()
	rest, found := strings.CutPrefix(p.rest, token)
	if found {
		p.rest = rest
	}
	return found
}

// expression is a product of factors.
func (p *formulaParser) expression() (float64, error) {
	if p.depth++; p.depth > maxFormulaDepth {
		return 0, fmt.Errorf("it is nested more than %d times", maxFormulaDepth)
	}
	defer func() { p.depth-- }()
	value, err := p.factor()
	for err == nil {
		switch {
		case p.accept("*"):
			var factor float64
			factor, err = p.factor()
			value *= factor
		case p.accept("/"):
			var divisor float64
			if divisor, err = p.factor(); err == nil && divisor == 0 {
				err = fmt.Errorf("division by zero")
			}
			value = math.Trunc(value / divisor)
		default:
			return value, nil
		}
	}
	return 0, err
}

// factor is a number, the variable, or a term in braces or parentheses, possibly of a function.
func (p *formulaParser) factor() (float64, error) {
	switch word := p.word(); {
	case word == classMemoryVariable:
		p.dependsOnClass = true
		return p.classMemory, nil
	case word == "" && p.accept("{"):
		return p.enclosed("}")
	case word == "" && p.accept("("):
		return p.enclosed(")")
	case word == "":
		return 0, fmt.Errorf("unexpected %q", p.rest)
	case p.accept("("):
		return p.call(word)
	default:
		value, err := strconv.ParseFloat(word, 64)
		if err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
			return 0, fmt.Errorf("%q is neither a number nor %s", word, classMemoryVariable)
		}
		return value, nil
	}
}

// word consumes a number or a name.
func (p *formulaParser) word() string {
	p.skipSpace()
	end := strings.IndexFunc(p.rest, func(r rune) bool {
		return !strings.ContainsRune("-._", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

func (p *formulaParser) enclosed(end string) (float64, error) {
	value, err := p.expression()
	if err == nil && !p.accept(end) {
		err = fmt.Errorf("%q is missing", end)
	}
	return value, err
}

// call evaluates a function whose opening parenthesis was consumed.
func (p *formulaParser) call(name string) (float64, error) {
	var arguments []float64
	for {
		value, err := p.expression()
		if err != nil {
			return 0, err
		}
		arguments = append(arguments, value)
		if p.accept(")") {
			break
		}
		if !p.accept(",") {
			return 0, fmt.Errorf("\")\" of %s is missing", name)
		}
	}
	result := arguments[0]
	for _, a := range arguments[1:] {
		switch strings.ToUpper(name) {
		case "GREATEST":
			result = max(result, a)
		case "LEAST":
			result = min(result, a)
		case "SUM":
			result += a
		default:
			return 0, fmt.Errorf("the function %s with %d arguments is not supported", name, len(arguments))
		}
	}
	switch strings.ToUpper(name) {
	case "GREATEST", "LEAST", "SUM":
		return result, nil
	case "LOG":
		if result <= 0 {
			return 0, fmt.Errorf("log of %g", result)
		}
		return math.Log2(result), nil
	}
	return 0, fmt.Errorf("the function %s is not supported", name)
}
