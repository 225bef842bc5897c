package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// Scenario describes a world: its databases and what they are asked to do.
type Scenario struct {
	// Start is when the simulation begins.
	Start metav1.Time `json:"start"`
	// Seed draws durations and noise. The same seed gives the same world.
	Seed int64 `json:"seed,omitempty"`
	// AccountID owns the databases that name no other account.
	AccountID string `json:"accountID"`
	// PublishDelay is how long after a minute has ended its metrics appear. The default is 75s.
	PublishDelay metav1.Duration `json:"publishDelay,omitempty"`
	Databases    []Database      `json:"databases"`

	// dir is where relative paths of recordings begin.
	dir string
}

// Database is an Aurora cluster, when it lists instances, or a plain instance.
type Database struct {
	Identifier    string            `json:"identifier"`
	Region        string            `json:"region"`
	AccountID     string            `json:"accountID,omitempty"`
	Engine        string            `json:"engine"`
	EngineVersion string            `json:"engineVersion"`
	Tags          map[string]string `json:"tags,omitempty"`
	// Class and MultiAZ are those of a plain instance.
	Class   string `json:"class,omitempty"`
	MultiAZ bool   `json:"multiAZ,omitempty"`
	// Instances are the members of a cluster; the first is the writer.
	Instances []Member `json:"instances,omitempty"`
	// PerformanceInsights publishes DBLoad and DBLoadCPU.
	PerformanceInsights bool `json:"performanceInsights,omitempty"`
	Load                Load `json:"load,omitempty"`
	// Upgrades are engine upgrades that people carry out, in the order of time.
	Upgrades []Upgrade `json:"upgrades,omitempty"`
}

// Member is one instance of a cluster.
type Member struct {
	Identifier string `json:"identifier"`
	Class      string `json:"class"`
	// PromotionTier is 1 unless it says otherwise.
	PromotionTier *int              `json:"promotionTier,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
}

// Load is what a database is asked to do, in vCPUs.
type Load struct {
	Writer  Curve `json:"writer,omitempty"`
	Readers Curve `json:"readers,omitempty"`
}

// Curve is a demand over time: points with straight lines between them, or a recording.
type Curve struct {
	Points    []CurvePoint `json:"points,omitempty"`
	Recording *Recording   `json:"recording,omitempty"`
	// NoisePercent is the greatest deviation, drawn anew every minute, in percent of the demand.
	NoisePercent float64 `json:"noisePercent,omitempty"`
}

// CurvePoint is the demand at one moment.
type CurvePoint struct {
	At    metav1.Duration `json:"at"` // since the start
	VCPUs float64         `json:"vcpus"`
}

// Upgrade is an engine upgrade: a short restart of every instance, after which each query costs more, or less.
type Upgrade struct {
	At            metav1.Duration `json:"at"` // since the start
	EngineVersion string          `json:"engineVersion"`
	// CostFactor multiplies the demand from then on.
	CostFactor float64 `json:"costFactor"`
}

// LoadScenario reads a scenario from a YAML or JSON file. The error names the file.
func LoadScenario(path string) (Scenario, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Scenario{}, err
	}
	s, err := ParseScenario(data)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.dir = filepath.Dir(path)
	return s, nil
}

// ParseScenario reads a scenario from YAML or JSON. Fields that it does not know are refused.
func ParseScenario(data []byte) (Scenario, error) {
	var s Scenario
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return s, err
	}
	return s, s.Validate()
}

// Validate says what is wrong with a scenario.
func (s Scenario) Validate() error {
	if s.Start.IsZero() || len(s.AccountID) != 12 {
		return errors.New("a scenario needs a start and an accountID of 12 digits")
	}
	seen := map[string]bool{}
	for _, d := range s.Databases {
		if err := d.validate(seen); err != nil {
			return fmt.Errorf("database %q: %w", d.Identifier, err)
		}
	}
	return nil
}

func (d Database) validate(seen map[string]bool) error {
	members := d.Instances
	if d.Class != "" {
		members = append(members, Member{Identifier: d.Identifier, Class: d.Class})
	}
	switch {
	case d.Identifier == "" || d.Region == "" || d.Engine == "" || d.EngineVersion == "":
		return errors.New("it needs an identifier, region, engine and engineVersion")
	case (d.Class == "") == (len(d.Instances) == 0):
		return errors.New("it needs a class when it is a plain instance, or instances when it is a cluster, not both")
	}
	for _, m := range members {
		class, err := catalog.Lookup(m.Class)
		if err != nil {
			return err
		}
		if !class.Supports(d.Engine) {
			return fmt.Errorf("%s does not run on %s", d.Engine, m.Class)
		}
		if key := d.Region + "/" + m.Identifier; m.Identifier == "" || seen[key] {
			return fmt.Errorf("instance %q has no name of its own in %s", m.Identifier, d.Region)
		} else {
			seen[key] = true
		}
	}
	for n, u := range d.Upgrades {
		if u.CostFactor <= 0 || n > 0 && u.At.Duration < d.Upgrades[n-1].At.Duration {
			return errors.New("upgrades need a costFactor above 0 and must be in the order of time")
		}
	}
	return errors.Join(d.Load.Writer.validate(), d.Load.Readers.validate())
}

func (c Curve) validate() error {
	if len(c.Points) > 0 && c.Recording != nil {
		return errors.New("a load has points or a recording, not both")
	}
	for n, p := range c.Points {
		if p.VCPUs < 0 || n > 0 && p.At.Duration <= c.Points[n-1].At.Duration {
			return errors.New("the points of a load must be in the order of time, and not below 0 vCPUs")
		}
	}
	return nil
}

// at is the demand so long after the start.
func (c Curve) at(since time.Duration) float64 {
	points := c.Points
	if len(points) == 0 {
		return 0
	}
	if since <= points[0].At.Duration {
		return points[0].VCPUs
	}
	low, high := 0, len(points)-1
	if since >= points[high].At.Duration {
		return points[high].VCPUs
	}
	for high-low > 1 {
		if middle := (low + high) / 2; points[middle].At.Duration <= since {
			low = middle
		} else {
			high = middle
		}
	}
	a, b := points[low], points[high]
	share := float64(since-a.At.Duration) / float64(b.At.Duration-a.At.Duration)
	return a.VCPUs + share*(b.VCPUs-a.VCPUs)
}
