package recording

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// SaturatedPercent is the utilization at which the demand of an instance is censored: the true demand is at least this. It is the
	// operator's own threshold, so that a backtest has the same uncertainty.
	SaturatedPercent = 95
	// maxPercent is the highest value that counts as 100 %, since averages of averages are rounded.
	maxPercent = 100.5
	// maxVCPUs is more than any database has. Above it the unit must be wrong, and sums could overflow.
	maxVCPUs = 1e9
)

// Options are the unit of a recording's values. Exactly one of Class and Scale is set.
type Options struct {
	// Class is the recorded instance class: the values are percent, 0 to 100.
	Class string
	// Count is the number of instances of Class of which a value is the mean; zero means one.
	Count int
	// Engine is written as in the RDS API, or empty. SQL Server has fewer vCPUs on some classes.
	Engine string
	// Scale is the number of vCPUs of a value of 1: the values are in any unit, 0 or more.
	Scale float64
}

// converter converts values to vCPUs.
type converter struct {
	// vcpus is the number of vCPUs of one instance; zero if scale is set.
	vcpus float64
	// count is the number of instances; zero if it was not given.
	count int
	scale float64
}

// newConverter checks the options. Its errors name the flags of the command line.
func (o Options) newConverter() (converter, error) {
	switch {
	case o.Class == "" && o.Scale == 0:
		return converter{}, errors.New("give --class if the values are percent of an instance class, or --scale if they are anything else")
	case o.Class != "" && o.Scale != 0:
		return converter{}, errors.New("give --class or --scale, not both: values are percent of a class, or have a scale")
	case o.Count < 0:
		return converter{}, fmt.Errorf("--count is %d: it must be 1 or more", o.Count)
	case o.Class == "" && o.Count != 0:
		return converter{}, errors.New("--count needs --class: omit it with --scale")
	case o.Class == "":
		if !(o.Scale > 0) || math.IsInf(o.Scale, 0) {
			return converter{}, fmt.Errorf("--scale is %v: it must be more than 0, in vCPUs for a value of 1", o.Scale)
		}
		return converter{scale: o.Scale}, nil
	}
	vcpus, err := classVCPUs(o.Class, o.Engine)
	if err != nil {
		return converter{}, fmt.Errorf("--class: %w", err)
	}
	if vcpus*float64(max(o.Count, 1)) > maxVCPUs {
		return converter{}, fmt.Errorf("--count is %d: no pool has that many instances", o.Count)
	}
	return converter{vcpus: vcpus, count: o.Count}, nil
}

// instances is the number of instances of which a value is the mean.
func (c converter) instances() float64 { return float64(max(c.count, 1)) }

// poolVCPUs is the number of vCPUs of all instances.
func (c converter) poolVCPUs() float64 { return c.vcpus * c.instances() }

// parse parses and checks a value. The problem is empty if the value is valid.
func (c converter) parse(text string) (value float64, problem string) {
	if text == "" {
		return 0, "the value is empty: omit the row where nothing was recorded"
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Sprintf("the value %s is not a number", quote(text))
	}
	return c.check(value)
}

// check checks a value, and limits a percentage to 100. The problem is empty if the value is valid.
func (c converter) check(value float64) (checked float64, problem string) {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return 0, fmt.Sprintf("the value is %v: omit it where nothing was recorded", value)
	case value < 0:
		return 0, fmt.Sprintf("the value %v is negative: it must be 0 or more", value)
	case c.scale != 0:
		if value*c.scale > maxVCPUs {
			return 0, fmt.Sprintf("the value %v is more than %.0e vCPUs: give a smaller --scale", value, maxVCPUs)
		}
		return value, ""
	case value > maxPercent:
		return 0, fmt.Sprintf("the value %v is above 100 percent: give --scale instead of --class if it is not a percentage", value)
	}
	return min(value, 100), ""
}

// parseDBLoad parses DBLoadCPU. It is NaN if the text is empty. The problem is empty if the value is valid.
func parseDBLoad(text string) (dbLoad float64, problem string) {
	if text == "" {
		return math.NaN(), ""
	}
	dbLoad, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Sprintf("the dbload %s is not a number: leave it empty where nothing was recorded", quote(text))
	}
	return dbLoad, checkDBLoad(dbLoad)
}

// checkDBLoad checks DBLoadCPU. The problem is empty if the value is valid.
func checkDBLoad(dbLoad float64) (problem string) {
	switch {
	case math.IsNaN(dbLoad) || math.IsInf(dbLoad, 0):
		return fmt.Sprintf("the dbload is %v: leave it empty where nothing was recorded", dbLoad)
	case dbLoad < 0:
		return fmt.Sprintf("the dbload %v is negative: it must be 0 or more sessions", dbLoad)
	case dbLoad > maxVCPUs:
		return fmt.Sprintf("the dbload %v is more than any database has: it must be in sessions", dbLoad)
	}
	return ""
}

// demand is the demand in vCPUs of all instances, from their mean value and mean DBLoadCPU.
func (c converter) demand(value, dbLoad float64) (vcpus float64, censored bool) {
	if c.scale != 0 {
		return value * c.scale, false
	}
	return estimateDemand(value/100*c.poolVCPUs(), dbLoad*c.instances(), value >= SaturatedPercent)
}

// estimateDemand is the demand in vCPUs, from the used vCPUs. At saturation it is DBLoadCPU, or, if that is NaN, at least the used
// vCPUs.
func estimateDemand(used, dbLoad float64, saturated bool) (vcpus float64, censored bool) {
	switch {
	case !saturated:
		return used, false
	case math.IsNaN(dbLoad):
		return used, true
	}
	return max(used, dbLoad), false
}

// classVCPUs is the number of vCPUs of a class. The error wraps catalog.ErrUnknownClass and suggests the class with the most
// similar name.
func classVCPUs(class, engine string) (float64, error) {
	c, err := catalog.Lookup(class)
	if err != nil {
		if like := nearestClass(class); like != "" {
			return 0, fmt.Errorf("%w: did you mean %q?", err, like)
		}
		return 0, fmt.Errorf("%w: write it as RDS does, for example db.r6g.large", err)
	}
	return c.VCPUFor(engine), nil
}

// nearestClass is the known class with the most similar name, or empty if no name is similar.
func nearestClass(name string) string {
	const maxLength, minDistance = 40, 5
	if len(name) > maxLength {
		return ""
	}
	best, distance := "", minDistance
	for _, class := range catalog.All() {
		if d := editDistance(strings.ToLower(strings.TrimSpace(name)), class.Name); d < distance {
			best, distance = class.Name, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
