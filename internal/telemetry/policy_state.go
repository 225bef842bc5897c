package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Further labels of the metrics of a policy's state.
const (
	labelType      = "type"
	labelStatus    = "status"
	labelRegion    = "region"
	labelAccountID = "account_id"
	labelInstance  = "dbinstance_identifier"
)

// PolicyState is what the last reconcile of a policy found. A value that is not known has no series: it is never published as zero.
type PolicyState struct {
	// Conditions are those of the status.
	Conditions []metav1.Condition
	// Limit is the guard or the reason that prevents a change which the load requires: the reason of the condition ScalingLimited. Empty
	// when nothing does.
	Limit string
	// OperationStartedAt is when the operation in progress was started, and OperationExpectedEnd when it should have ended; zero when none
	// is in progress.
	OperationStartedAt, OperationExpectedEnd time.Time
	// HourlyCost is the price of all present instances per hour; HourlyCostKnown says whether each of their prices is known.
	HourlyCost      scaling.Money
	HourlyCostKnown bool
	// HourlyBudget is guardrails.maxHourlyCostUSD; zero for none.
	HourlyBudget scaling.Money
	// InForce says whether the policy is Ready. Only then its instances are published.
	InForce bool
	// AccountID and Region are those of the database.
	AccountID, Region string
	// Instances are those of the database. Only those of scaled pools are published.
	Instances []scaling.Instance
	// ResizedAsUnit says that the writer's pool stands for all instances.
	ResizedAsUnit bool
	// Writer and Readers are the states of the pools.
	Writer, Readers PoolState
}

// PoolState is what the last reconcile found about a pool. CPU figures are in vCPUs.
type PoolState struct {
	// Scaled says whether the policy scales the pool and its load was assessed. Otherwise the pool has no series.
	Scaled bool
	// Load is the load of the pool.
	Load *scaling.Load
	// ThresholdPercent is the utilization at which the pool is too small; lower than usual after an engine upgrade.
	ThresholdPercent int
	// DesiredVCPUs is the size that the operator brings the pool to, or would if nothing prevented it; zero when it is not known.
	DesiredVCPUs float64
	// MaximumVCPUs is the largest size that the policy allows; zero when it is not known.
	MaximumVCPUs float64
}

// isOverloaded reports whether the pool used as good as all of its vCPUs, on average over the scale-up window.
func (p *PoolState) isOverloaded() bool {
	used, known := p.Load.UsedPercent()
	return known && used >= scaling.SaturationPercent
}

// predictedDemand is the highest prediction; zero when nothing is predicted.
func (p *PoolState) predictedDemand() float64 {
	return max(p.Load.TrendDemand, p.Load.SeasonalDemand, p.Load.DailyWorkDemand)
}

// The pools of a policyEntry, in the order of its arrays.
var entryPools = [...]scaling.Pool{scaling.Writer, scaling.Readers}

// policyStates publishes the states of all policies when it is scraped. A fleet has many policies and few scrapes, so that a reconcile only
// stores numbers here.
type policyStates struct {
	mu      sync.Mutex
	entries map[policyKey]*policyEntry
	// pairs are the label pairs that many policies share: of types, statuses, reasons and pools.
	pairs map[[2]string]*dto.LabelPair

	ready, operationInProgress, utilization, demand, capacity          *prometheus.Desc
	condition, limited, operationStart, operationEnd, cost, budgetLeft *prometheus.Desc
	newestSample, predicted, threshold, desired, maximum, overload     *prometheus.Desc
	instance                                                           *prometheus.Desc
}

// policyEntry is the published state of one policy. Label pairs are shared by all series and all scrapes.
type policyEntry struct {
	labels     []*dto.LabelPair
	conditions []conditionStatus
	limited    []*dto.LabelPair // nil while nothing limits the policy
	state      PolicyState      // without its slices and pointers
	pools      [len(entryPools)]poolEntry
	instances  []instanceEntry
	// isReady and isOperating are published once they are known.
	isStateKnown, isReady, isOperating bool
}

type conditionStatus struct {
	conditionType, status string
	labels                []*dto.LabelPair
}

type poolEntry struct {
	labels []*dto.LabelPair
	load   poolLoad
	// published says whether the pool has series.
	published                              bool
	newestSampleAt                         time.Time
	predicted, threshold, desired, maximum float64
	// overloadSeconds only grows. It is published once it is known, also while the load is not.
	overloadKnown   bool
	overloadSeconds float64
}

type instanceEntry struct {
	identifier, accountID, region string
	pool                          scaling.Pool
	labels                        []*dto.LabelPair
}

func newPolicyStates() *policyStates {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("dbscaler", "", name), help,
			append([]string{labelName, labelNamespace}, labels...), nil)
	}
	return &policyStates{
		entries: map[policyKey]*policyEntry{}, pairs: map[[2]string]*dto.LabelPair{},
		ready: desc("policy_ready", "1 when the policy's Ready condition is True, otherwise 0."),
		operationInProgress: desc("policy_operation_in_progress",
			"1 while an operation is in progress, otherwise 0."),
		utilization: desc("pool_cpu_utilization_percent",
			"Mean CPU demand of a pool over the scale-up window in percent of its vCPUs. Above 100 when DBLoadCPU shows more. "+
				"Absent while samples are missing.", labelPool),
		demand: desc("pool_cpu_demand_vcpus",
			"Peak CPU demand of a pool over the scale-up window, in vCPUs. Absent while samples are missing.", labelPool),
		capacity: desc("pool_capacity_vcpus", "Total vCPUs of the instances of a pool.", labelPool),
		condition: desc("policy_condition", "1 for the present status of each condition of the policy.",
			labelStatus, labelType),
		limited: desc("policy_scaling_limited",
			"1 while a guard or a limit prevents a change that the load requires, by the reason of the condition ScalingLimited.", labelReason),
		operationStart: desc("policy_operation_start_timestamp_seconds", "When the operation in progress was started. Absent without one."),
		operationEnd: desc("policy_operation_expected_end_timestamp_seconds",
			"When the operation in progress should have ended, by what its steps usually take. Absent without one."),
		cost: desc("policy_hourly_cost_usd",
			"Price of all present instances of the database per hour, surge readers included. Absent while a price is unknown."),
		budgetLeft: desc("policy_hourly_budget_left_usd",
			"What guardrails.maxHourlyCostUSD leaves above the hourly cost. Absent without a budget or a price."),
		newestSample: desc("pool_newest_sample_timestamp_seconds",
			"Start of the newest minute for which every instance of the pool has a CPU sample. Absent when there is none.", labelPool),
		predicted: desc("pool_cpu_predicted_demand_vcpus",
			"CPU demand predicted for the time at which a new size could be in service, in vCPUs. Absent when nothing is predicted.", labelPool),
		threshold: desc("pool_cpu_scale_up_threshold_percent",
			"CPU utilization at which the pool is too small. Lower for a time after an engine upgrade.", labelPool),
		desired: desc("pool_desired_vcpus",
			"vCPUs that the operator brings the pool to, or would if nothing prevented it.", labelPool),
		maximum: desc("pool_maximum_vcpus", "vCPUs of the largest shape that the policy allows for the pool.", labelPool),
		overload: desc("pool_overload_seconds_total",
			"Seconds for which samples show the pool at 95 % of its vCPUs or above, on average over the scale-up window.", labelPool),
		instance: prometheus.NewDesc("dbscaler_pool_instance_info", "1 for each instance of a scaled pool while the policy is in force.",
			[]string{labelAccountID, labelInstance, labelName, labelNamespace, labelPool, labelRegion}, nil),
	}
}

// SetPolicyStatus publishes what a reconcile found about a policy. It keeps nothing of the slices and pointers of the state.
func (m *Metrics) SetPolicyStatus(namespace, name string, state PolicyState) {
	s := m.states
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(namespace, name)
	s.setConditions(e, &state)
	e.pools[0].set(&state.Writer)
	e.pools[1].set(&state.Readers)
	e.setInstances(&state)
	e.state = state
	e.state.Conditions, e.state.Instances, e.state.Writer.Load, e.state.Readers.Load = nil, nil, nil, nil
}

// entry returns what is published about a policy, new if it is nothing so far. The caller holds s.mu.
func (s *policyStates) entry(namespace, name string) *policyEntry {
	key := policyKey{namespace, name}
	e := s.entries[key]
	if e == nil {
		e = &policyEntry{labels: []*dto.LabelPair{labelPair(labelName, name), labelPair(labelNamespace, namespace)}}
		for n, pool := range entryPools {
			e.pools[n].labels = s.withLabels(e.labels, [2]string{labelPool, string(pool)})
		}
		s.entries[key] = e
	}
	return e
}

// setConditions stores the conditions and the limit. It builds labels only for what has changed.
func (s *policyStates) setConditions(e *policyEntry, state *PolicyState) {
	for n := range state.Conditions {
		if n == len(e.conditions) {
			e.conditions = append(e.conditions, conditionStatus{})
		}
		conditionType, status := state.Conditions[n].Type, string(state.Conditions[n].Status)
		if present := &e.conditions[n]; present.conditionType != conditionType || present.status != status {
			labels := s.withLabels(e.labels, [2]string{labelStatus, status}, [2]string{labelType, conditionType})
			*present = conditionStatus{conditionType, status, labels}
		}
	}
	e.conditions = e.conditions[:len(state.Conditions)]
	switch {
	case state.Limit == "":
		e.limited = nil
	case e.limited == nil || state.Limit != e.state.Limit:
		e.limited = s.withLabels(e.labels, [2]string{labelReason, state.Limit})
	}
}

// withLabels returns a copy of the labels with further ones, whose pairs all policies share.
func (s *policyStates) withLabels(labels []*dto.LabelPair, further ...[2]string) []*dto.LabelPair {
	out := append(make([]*dto.LabelPair, 0, len(labels)+len(further)), labels...)
	for _, pair := range further {
		shared := s.pairs[pair]
		if shared == nil {
			shared = labelPair(pair[0], pair[1])
			s.pairs[pair] = shared
		}
		out = append(out, shared)
	}
	return out
}

// set stores the state of a pool, and adds the time since the sample before to the overload when the pool is overloaded.
func (p *poolEntry) set(state *PoolState) {
	p.published = state.Scaled && state.Load != nil
	if !p.published {
		return
	}
	newest := state.Load.NewestSampleAt
	if state.Load.Fresh {
		p.overloadKnown = true
		if elapsed := newest.Sub(p.newestSampleAt); !p.newestSampleAt.IsZero() && elapsed > 0 && state.isOverloaded() {
			// After a gap in the samples it is not known how long the overload lasted.
			p.overloadSeconds += min(elapsed, scaling.MaxSampleAge).Seconds()
		}
	}
	p.newestSampleAt = newest
	p.predicted, p.threshold = state.predictedDemand(), float64(state.ThresholdPercent)
	p.desired, p.maximum = state.DesiredVCPUs, state.MaximumVCPUs
}

// setInstances stores the instances of scaled pools while the policy is in force. It builds labels only for instances that have changed.
func (e *policyEntry) setInstances(state *PolicyState) {
	count := 0
	for n := range state.Instances {
		i := &state.Instances[n]
		pool, scaled := scaling.Readers, state.Readers.Scaled
		if i.Writer || state.ResizedAsUnit {
			pool, scaled = scaling.Writer, state.Writer.Scaled
		}
		if !scaled || !state.InForce {
			continue
		}
		if count == len(e.instances) {
			e.instances = append(e.instances, instanceEntry{})
		}
		next := instanceEntry{identifier: i.Identifier, accountID: state.AccountID, region: state.Region, pool: pool}
		if present := &e.instances[count]; !present.isSame(&next) {
			next.labels = []*dto.LabelPair{
				labelPair(labelAccountID, next.accountID), labelPair(labelInstance, next.identifier), e.labels[0], e.labels[1],
				labelPair(labelPool, string(pool)), labelPair(labelRegion, next.region),
			}
			*present = next
		}
		count++
	}
	e.instances = e.instances[:count]
}

func (i *instanceEntry) isSame(other *instanceEntry) bool {
	return i.identifier == other.identifier && i.pool == other.pool && i.accountID == other.accountID && i.region == other.region
}

// forget removes a deleted policy.
func (s *policyStates) forget(namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, policyKey{namespace, name})
}

// Describe implements prometheus.Collector.
func (s *policyStates) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		s.ready, s.operationInProgress, s.utilization, s.demand, s.capacity, s.condition, s.limited, s.operationStart, s.operationEnd, s.cost,
		s.budgetLeft, s.newestSample, s.predicted, s.threshold, s.desired, s.maximum, s.overload, s.instance,
	} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (s *policyStates) Collect(metrics chan<- prometheus.Metric) {
	series := s.list()
	for n := range series {
		metrics <- &series[n]
	}
}

// list returns the series of all policies.
func (s *policyStates) list() []seriesValue {
	s.mu.Lock()
	defer s.mu.Unlock()
	const usualSeries = 32 // of a policy with two pools
	out := make([]seriesValue, 0, usualSeries*len(s.entries))
	add := func(desc *prometheus.Desc, value float64, known bool, labels []*dto.LabelPair) {
		if known {
			out = append(out, seriesValue{desc: desc, value: value, labels: labels})
		}
	}
	for _, e := range s.entries {
		add(s.ready, boolToFloat(e.isReady), e.isStateKnown, e.labels)
		add(s.operationInProgress, boolToFloat(e.isOperating), e.isStateKnown, e.labels)
		for _, c := range e.conditions {
			add(s.condition, 1, true, c.labels)
		}
		state := &e.state
		add(s.limited, 1, e.limited != nil, e.limited)
		operating := !state.OperationStartedAt.IsZero()
		add(s.operationStart, float64(state.OperationStartedAt.Unix()), operating, e.labels)
		add(s.operationEnd, float64(state.OperationExpectedEnd.Unix()), operating, e.labels)
		add(s.cost, usd(state.HourlyCost), state.HourlyCostKnown, e.labels)
		add(s.budgetLeft, usd(state.HourlyBudget-state.HourlyCost), state.HourlyCostKnown && state.HourlyBudget > 0, e.labels)
		for n := range e.pools {
			p := &e.pools[n]
			add(s.capacity, p.load.capacity, p.load.capacity > 0, p.labels)
			add(s.utilization, p.load.utilizationPercent, p.load.isFresh, p.labels)
			add(s.demand, p.load.demand, p.load.isFresh, p.labels)
			add(s.newestSample, float64(p.newestSampleAt.Unix()), p.published && !p.newestSampleAt.IsZero(), p.labels)
			add(s.predicted, p.predicted, p.published && p.predicted > 0, p.labels)
			add(s.threshold, p.threshold, p.published, p.labels)
			add(s.desired, p.desired, p.published && p.desired > 0, p.labels)
			add(s.maximum, p.maximum, p.published && p.maximum > 0, p.labels)
			if p.overloadKnown {
				out = append(out, seriesValue{desc: s.overload, value: p.overloadSeconds, labels: p.labels, isCounter: true})
			}
		}
		for n := range e.instances {
			add(s.instance, 1, true, e.instances[n].labels)
		}
	}
	return out
}

// seriesValue is one value of a gauge or a counter.
type seriesValue struct {
	desc      *prometheus.Desc
	value     float64
	labels    []*dto.LabelPair
	isCounter bool
}

// Desc implements prometheus.Metric.
func (v *seriesValue) Desc() *prometheus.Desc { return v.desc }

// Write implements prometheus.Metric.
func (v *seriesValue) Write(out *dto.Metric) error {
	out.Label = v.labels
	if v.isCounter {
		out.Counter = &dto.Counter{Value: &v.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &v.value}
	}
	return nil
}

func labelPair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// usd is an amount in dollars.
func usd(m scaling.Money) float64 { return float64(m) / float64(scaling.Dollar) }
