package view

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// Risk is one policy in the fleet.
type Risk struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	State     State  `json:"state"`
	// Rank is the class of risk, 0 for the highest: the same for policies that are as urgent.
	Rank int `json:"rank"`
	// Reason says in a few words why the policy has this rank.
	Reason string `json:"reason"`
	// HeadroomMinutes is the shortest time until a pool that the policy scales is saturated; absent when no demand rises, or the load was
	// not read.
	HeadroomMinutes *float64 `json:"headroomMinutes,omitempty"`
	// UtilizationPercent is that of its busiest pool that the policy scales; absent unless the load was read.
	UtilizationPercent *float64 `json:"utilizationPercent,omitempty"`
	// AtMaximum says that a pool has the largest shape that the policy allows.
	AtMaximum bool `json:"atMaximum,omitempty"`
	// BlockedBy is the most important guard that blocks a change.
	BlockedBy string `json:"blockedBy,omitempty"`
	Emergency bool   `json:"emergency,omitempty"`
	Overdue   bool   `json:"overdue,omitempty"`
	// HourlyUSD is the price of its instances.
	HourlyUSD *float64 `json:"hourlyUSD,omitempty"`
}

// The classes of risk.
const (
	rankEmergency = iota
	rankStalled
	rankFull
	rankLimited
	rankBlockedUp
	rankOverdue
	rankNotReady
	rankShortHeadroom
	rankAtMaximum
	rankBlocked
	rankOther
)

// shortHeadroomMinutes is how much headroom is a risk of its own: a new size needs 5 to 20 minutes.
const shortHeadroomMinutes = 30

// SortFleet is what the policies of a fleet are sorted by.
type SortFleet string

// The orders of a fleet.
const (
	SortByRisk     SortFleet = "risk"
	SortByHeadroom SortFleet = "headroom"
	SortByCost     SortFleet = "cost"
)

// NewFleet ranks policies: by default the most urgent first, and among equals the one with the least headroom, then the costliest.
func NewFleet(policies []Policy, order SortFleet) []Risk {
	out := make([]Risk, 0, len(policies))
	for n := range policies {
		out = append(out, newRisk(&policies[n]))
	}
	headroom := func(a, b Risk) int { return cmp.Compare(orInfinity(a.HeadroomMinutes), orInfinity(b.HeadroomMinutes)) }
	cost := func(a, b Risk) int { return cmp.Compare(orZero(b.HourlyUSD), orZero(a.HourlyUSD)) }
	rank := func(a, b Risk) int { return cmp.Compare(a.Rank, b.Rank) }
	name := func(a, b Risk) int { return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name)) }
	slices.SortStableFunc(out, func(a, b Risk) int {
		switch order {
		case SortByHeadroom:
			return cmp.Or(headroom(a, b), rank(a, b), cost(a, b), name(a, b))
		case SortByCost:
			return cmp.Or(cost(a, b), rank(a, b), headroom(a, b), name(a, b))
		case SortByRisk:
		}
		return cmp.Or(rank(a, b), headroom(a, b), cost(a, b), name(a, b))
	})
	return out
}

func orInfinity(v *float64) float64 {
	if v == nil {
		return math.Inf(1)
	}
	return *v
}

func orZero(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

func newRisk(p *Policy) Risk {
	r := Risk{
		Namespace: p.Namespace, Name: p.Name, State: p.State, BlockedBy: p.firstBlocker(), HourlyUSD: p.Cost.HourlyUSD,
		Overdue: p.Operation != nil && p.Operation.Overdue, Emergency: p.Decision != nil && p.Decision.Emergency,
	}
	for n := range p.Pools {
		pool := &p.Pools[n]
		if !pool.Scaled {
			continue
		}
		if pool.CapacityVCPUs != nil && pool.MaximumVCPUs != nil && *pool.CapacityVCPUs >= *pool.MaximumVCPUs {
			r.AtMaximum = true
		}
		if l := pool.Load; l != nil {
			r.HeadroomMinutes = smaller(r.HeadroomMinutes, l.HeadroomMinutes)
			if l.UtilizationPercent != nil && (r.UtilizationPercent == nil || *l.UtilizationPercent > *r.UtilizationPercent) {
				r.UtilizationPercent = l.UtilizationPercent
			}
		}
	}
	r.Rank, r.Reason = rankOf(p, &r)
	return r
}

func smaller(a, b *float64) *float64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

// rankOf is the class of risk of a policy and why.
func rankOf(p *Policy, r *Risk) (int, string) {
	switch {
	case r.Emergency && r.BlockedBy == "":
		return rankEmergency, "demand far above the capacity"
	case r.Emergency:
		return rankEmergency, r.BlockedBy + " blocks an emergency: demand far above the capacity"
	case p.State == StateStalled:
		return rankStalled, "a person must act: " + p.Summary
	case r.HeadroomMinutes != nil && *r.HeadroomMinutes == 0:
		return rankFull, "saturated now"
	case p.State == StateLimited:
		return rankLimited, "no larger shape: " + p.Decision.reasonOr("Limited")
	case p.State == StateBlocked && p.Decision.isScaleUp(p):
		return rankBlockedUp, r.BlockedBy + " blocks a scale-up"
	case r.Overdue:
		return rankOverdue, "an operation takes longer than usual"
	case p.State == StateNotReady || p.State == StateNew:
		return rankNotReady, "not in force: " + p.Summary
	case r.HeadroomMinutes != nil && *r.HeadroomMinutes < shortHeadroomMinutes:
		return rankShortHeadroom, fmt.Sprintf("full in %.0f min", *r.HeadroomMinutes)
	case r.AtMaximum:
		return rankAtMaximum, "at the largest shape that the policy allows"
	case p.State == StateBlocked:
		return rankBlocked, r.BlockedBy + " blocks a change"
	case p.pause() != nil:
		return rankOther, p.pause().describeBriefly(p.Time)
	case p.Operation != nil:
		return rankOther, fmt.Sprintf("%s %s → %s", poolNoun(p.Operation.Pool), p.Operation.From, p.Operation.To)
	}
	return rankOther, ""
}

// describeBriefly says until when a policy is paused, and by whom.
func (m *ManualControl) describeBriefly(now time.Time) string {
	text := "paused"
	if !m.Until.IsZero() {
		text += " until " + formatTime(m.Until, now)
	}
	if m.RequestedBy != "" {
		text += " by " + m.RequestedBy
	}
	return text
}

func (d *Decision) reasonOr(other string) string {
	if d == nil {
		return other
	}
	return d.Reason
}

// isScaleUp reports whether the decided change adds vCPUs.
func (d *Decision) isScaleUp(p *Policy) bool {
	if d == nil {
		return false
	}
	switch d.Reason {
	case "ScaleUp", "PredictiveScaleUp", "BelowMinimum", "BelowSchedule", "PromotionCandidateTooSmall":
		return true
	case "Override":
		return p.Cost.AfterUSD != nil && p.Cost.HourlyUSD != nil && *p.Cost.AfterUSD > *p.Cost.HourlyUSD
	}
	return false
}

// WriteFleet writes one line for each policy of a fleet.
func WriteFleet(w io.Writer, fleet []Risk, o Options) error {
	rows := [][]string{{"POLICY", "STATE", "CPU", "HEADROOM", "MAX", "HOURLY", "WHY"}}
	for _, r := range fleet {
		rows = append(rows, riskRow(r))
	}
	rows = withoutEmptyColumns(rows)
	if !o.Wide { // the last column takes the rest of the terminal
		used := 0
		for k := range len(rows[0]) - 1 {
			width := 0
			for _, row := range rows {
				width = max(width, columns(row[k]), 1)
			}
			used += width + 2
		}
		limit := max(o.width()-used, 24)
		for n := range rows {
			last := &rows[n][len(rows[n])-1]
			if columns(*last) > limit {
				*last = string([]rune(*last)[:limit-1]) + "…"
			}
		}
	}
	return writeRows(w, rows, func(row int) style {
		if row == 0 {
			return bold
		}
		return stateStyles[fleet[row-1].State]
	}, 1, o)
}

// withoutEmptyColumns leaves out the columns that have nothing but a header, except the last.
func withoutEmptyColumns(rows [][]string) [][]string {
	out := make([][]string, len(rows))
	for k := range rows[0] {
		isEmpty := k < len(rows[0])-1
		for _, row := range rows[1:] {
			isEmpty = isEmpty && row[k] == ""
		}
		for n := range rows {
			if !isEmpty {
				out[n] = append(out[n], rows[n][k])
			}
		}
	}
	return out
}

func riskRow(r Risk) []string {
	row := []string{r.Namespace + "/" + r.Name, string(r.State), "", "", "", "", strings.ReplaceAll(r.Reason, "\n", " ")}
	if r.UtilizationPercent != nil {
		row[2] = fmt.Sprintf("%.0f%%", *r.UtilizationPercent)
	}
	if r.HeadroomMinutes != nil {
		row[3] = fmt.Sprintf("%.0f min", *r.HeadroomMinutes)
	}
	if r.AtMaximum {
		row[4] = "yes"
	}
	if r.HourlyUSD != nil {
		row[5] = formatUSD(*r.HourlyUSD)
	}
	return row
}
