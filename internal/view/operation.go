package view

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// viewOperation is the operation in progress, or nil.
func (b *builder) viewOperation() *Operation {
	op := b.operation
	if op == nil {
		return nil
	}
	out := &Operation{
		ID: op.ID, Pool: string(op.Pool), Direction: string(op.Direction), From: op.From.String(), To: op.To.String(),
		Path: describePath(op.Steps), Cause: op.Cause, Emergency: op.Emergency, StartTime: op.StartedAt.UTC(),
		ElapsedSeconds:  seconds(b.Now.Sub(op.StartedAt)),
		ExpectedSeconds: seconds(operation.ExpectedEnd(*op).Sub(op.StartedAt)), Overdue: b.Now.After(operation.ExpectedEnd(*op)),
	}
	if d := b.status.Decision; d != nil {
		out.WaitsFor = d.Message
	}
	for _, s := range op.Steps {
		step := b.viewStep(s)
		if step.State == StepDone {
			out.DoneSteps++
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

func (b *builder) viewStep(s scaling.Step) Step {
	out := Step{
		Action: string(s.Action), Text: stepText(s), Instance: s.Instance, InstanceClass: s.InstanceClass, Surge: s.Surge,
		State: StepWaiting, ExpectedSeconds: seconds(operation.UsualDuration(s.Action)), Attempts: s.Attempts, Answer: s.Answer,
	}
	switch {
	case !s.CompletedAt.IsZero():
		out.State = StepDone
		if !s.StartedAt.IsZero() { // a step whose effect was there already has no start
			out.ElapsedSeconds = ptr.To(seconds(s.CompletedAt.Sub(s.StartedAt)))
		}
	case !s.StartedAt.IsZero():
		out.State, out.ElapsedSeconds = StepInProgress, ptr.To(seconds(b.Now.Sub(s.StartedAt)))
	}
	return out
}

// stepText says a step in words.
func stepText(s scaling.Step) string {
	reader := "reader"
	if s.Surge {
		reader = "surge reader"
	}
	switch s.Action {
	case scaling.CreateReader:
		return fmt.Sprintf("create %s %s, %s", reader, s.Instance, s.InstanceClass)
	case scaling.DeleteReader:
		return fmt.Sprintf("delete %s %s", reader, s.Instance)
	case scaling.ModifyInstanceClass:
		return fmt.Sprintf("resize %s to %s", s.Instance, s.InstanceClass)
	case scaling.ModifyPromotionTier:
		return fmt.Sprintf("set promotion tier %d on %s", s.PromotionTier, s.Instance)
	case scaling.Failover:
		return fmt.Sprintf("fail over to %s", s.Instance)
	case scaling.ModifyClusterClass:
		return fmt.Sprintf("resize all members of %s to %s", s.Instance, s.InstanceClass)
	case scaling.ModifyCapacity:
		return fmt.Sprintf("set the maximum capacity of %s to %s", s.Instance, s.InstanceClass)
	case scaling.ModifyMinCapacity:
		return fmt.Sprintf("set the minimum capacity of %s to %s", s.Instance, s.InstanceClass)
	}
	return fmt.Sprintf("%s %s %s", s.Action, s.Instance, s.InstanceClass)
}

// instanceStepText says a step in words, below its instance.
func instanceStepText(s scaling.Step) string {
	switch s.Action {
	case scaling.CreateReader:
		return "create it"
	case scaling.DeleteReader:
		return "delete it"
	case scaling.ModifyInstanceClass:
		return "resize to " + s.InstanceClass
	case scaling.ModifyPromotionTier:
		return fmt.Sprintf("set promotion tier %d", s.PromotionTier)
	case scaling.Failover:
		return "fail over to it"
	case scaling.ModifyClusterClass, scaling.ModifyCapacity, scaling.ModifyMinCapacity: // of the cluster
	}
	return stepText(s)
}

// describePath names the steps in a few words: "create surge reader, resize 2 instances, delete surge reader".
func describePath(steps []scaling.Step) string {
	var parts []string
	for n := 0; n < len(steps); {
		count := 1
		for n+count < len(steps) && steps[n+count].Action == steps[n].Action && steps[n+count].Surge == steps[n].Surge {
			count++
		}
		parts = append(parts, pathPart(steps[n], count))
		n += count
	}
	return strings.Join(parts, ", ")
}

func pathPart(s scaling.Step, count int) string {
	reader := "reader"
	if s.Surge {
		reader = "surge reader"
	}
	switch s.Action {
	case scaling.CreateReader:
		return "create " + counted(count, reader)
	case scaling.DeleteReader:
		return "delete " + counted(count, reader)
	case scaling.ModifyInstanceClass:
		return "resize " + counted(count, "instance")
	case scaling.ModifyPromotionTier:
		return "set " + counted(count, "promotion tier")
	case scaling.Failover:
		return "fail over"
	case scaling.ModifyClusterClass:
		return "resize all members"
	case scaling.ModifyCapacity:
		return "set the maximum capacity"
	case scaling.ModifyMinCapacity:
		return "set the minimum capacity"
	}
	return string(s.Action)
}

// counted is a number and a noun: "1 reader", "2 readers".
func counted(count int, noun string) string {
	if count != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", count, noun)
}

// duration is a number of seconds as a duration.
func duration(s int64) time.Duration { return time.Duration(s) * time.Second }
