package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/dbscaler/dbscaler/internal/testenv"
)

// emptyPast is how much of the incident is over when --empty starts, unless --past says it: the reader is nearly saturated.
const emptyPast = 6*time.Hour + 30*time.Minute

// runEmpty runs an API server without the operator and the simulated AWS on the present time until an interrupt, for somebody who installs
// the operator: an operator of its own has the clock of the machine.
func runEmpty(ctx context.Context, s settings, out io.Writer) error {
	ctrl.SetLogger(logr.Discard())
	projectDir, err := findProjectDir()
	if err != nil {
		return err
	}
	if s.past == 0 {
		s.past = emptyPast
	}
	s.past, s.speed = s.past.Truncate(time.Minute), 1 // a scenario starts on a whole minute
	d := &demo{settings: s, projectDir: projectDir, origin: clock.RealClock{}.Now().UTC().Truncate(time.Minute)}
	scenario, _, err := newScenario(projectDir, s)
	if err != nil {
		return err
	}
	scenario.Start.Time = d.origin.Add(-s.past)
	if d.workDir, err = os.MkdirTemp("", "dbscaler-demo-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(d.workDir) }() // its kubeconfig is of no use any more
	defer d.stop()
	fmt.Fprintln(out, "Starting etcd and kube-apiserver ...")
	if d.env, err = testenv.StartWithoutCRDs(); err != nil {
		return err
	}
	kubeconfig := filepath.Join(d.workDir, "kubeconfig")
	if err := d.env.WriteKubeconfig(kubeconfig); err != nil {
		return err
	}
	endpoint, err := d.startAWS(scenario)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `
An API server without nodes and without the operator, and a simulated AWS with the DB cluster %[1]s in %[2]s, whose reader is
nearly saturated. Both run on the present time, for up to %[3]s. In another shell:

  export KUBECONFIG=%[4]s PATH=%[5]s:$PATH
  export AWS_ENDPOINT_URL=%[6]s AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION=%[2]s

docs/installing.md#try-the-chart-without-a-cluster goes on from here. Press Ctrl-C to stop.
`, clusterName, region, maxKeepDuration, kubeconfig, filepath.Dir(d.env.Kubectl()), endpoint)
	ctx, cancel := context.WithTimeout(ctx, maxKeepDuration)
	defer cancel()
	<-ctx.Done()
	return nil
}
