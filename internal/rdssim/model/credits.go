package model

import "time"

// creditsPerHour is what an instance of a burstable class earns (EC2 user guide, "Key concepts for burstable performance instances").
// One credit is one vCPU for one minute.
var creditsPerHour = map[string]float64{
	"db.t2.micro": 6, "db.t2.small": 12, "db.t2.medium": 24, "db.t2.large": 36, "db.t2.xlarge": 54, "db.t2.2xlarge": 81,
	"db.t3.micro": 12, "db.t3.small": 24, "db.t3.medium": 24, "db.t3.large": 36, "db.t3.xlarge": 96, "db.t3.2xlarge": 192,
	"db.t4g.micro": 12, "db.t4g.small": 24, "db.t4g.medium": 24, "db.t4g.large": 36, "db.t4g.xlarge": 96, "db.t4g.2xlarge": 192,
}

const (
	// creditHours is the number of hours whose credits an instance can save, and of which it can use the surplus without a charge.
	creditHours = 24
	// creditMetricPeriod is the period of the metrics of CPU credits.
	creditMetricPeriod = 5 * time.Minute
)

// creditState is the CPU credits of an instance.
type creditState struct {
	started          bool
	balance, surplus float64
}

// creditSample is the CPU credits of an instance at the end of one minute.
type creditSample struct {
	balance, surplusCharged float64
	standard, published     bool
}

func (c creditSample) isPublished() bool { return c.published }

// hasStandardCredits reports whether the instance runs at its baseline without credits: t2. RDS runs t3 and t4g in unlimited mode (RDS
// user guide, "DB instance class types").
func (s *instanceState) hasStandardCredits() bool { return s.class.Family == "t2" }

// updateCredits earns and spends the CPU credits of the minute from start to now.
func (s *instanceState) updateCredits(start time.Time, usedVCPUs float64) creditSample {
	perHour := 0.0
	if s.class.Burstable { // most are not: they need no look at the map
		perHour = creditsPerHour[s.Class]
	}
	if perHour == 0 {
		s.credits = creditState{}
		return creditSample{}
	}
	if !s.credits.started { // an instance of the scenario has been running for long
		s.credits = creditState{started: true, balance: creditHours * perHour}
	}
	c := &s.credits
	change := perHour/60 - usedVCPUs
	paidBack := min(c.surplus, max(0, change))
	c.surplus -= paidBack
	c.balance = min(c.balance+change-paidBack, creditHours*perHour)
	charged := 0.0
	if c.balance < 0 {
		if !s.hasStandardCredits() {
			c.surplus -= c.balance
			charged = max(0, c.surplus-creditHours*perHour)
			c.surplus -= charged
		}
		c.balance = 0
	}
	return creditSample{
		balance: c.balance, surplusCharged: charged, standard: s.hasStandardCredits(), published: start.Truncate(creditMetricPeriod).Equal(start),
	}
}

// isThrottled reports whether the instance has used up its CPU credits and runs at its baseline.
func (s *instanceState) isThrottled() bool {
	return s.credits.started && s.credits.balance < 1 && s.hasStandardCredits()
}
