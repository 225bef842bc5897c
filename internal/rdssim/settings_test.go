package rdssim

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// TestDescribeDBInstances_ShowsSettings: the SDK reads the settings that decide about read replicas.
func TestDescribeDBInstances_ShowsSettings(t *testing.T) {
	scenario, err := model.LoadScenario("../../hack/rdssim/scenarios/read-replicas.yaml")
	if err != nil {
		t.Fatal(err)
	}
	scenario.Databases[0].Settings.Domain = "d-1234567890"
	scenario.Databases[0].Settings.ManagedMasterPassword = true
	world, err := model.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(Options{World: world, Clock: clocktesting.NewFakeClock(scenario.Start.Time), AccountID: scenario.AccountID}))
	t.Cleanup(server.Close)
	config := newTestServer(t).Config
	config.BaseEndpoint = aws.String(server.URL)
	out, err := rds.NewFromConfig(config).DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]rdstypes.DBInstance{}
	for _, i := range out.DBInstances {
		shown[*i.DBInstanceIdentifier] = i
	}
	source, replica := shown["ledger"], shown["ledger-read"]
	if len(source.VpcSecurityGroups) != 2 || !*source.IAMDatabaseAuthenticationEnabled || len(source.EnabledCloudwatchLogsExports) != 2 ||
		*source.NetworkType != "DUAL" || *source.StorageType != "io2" || *source.AllocatedStorage != 500 || *source.Iops != 20000 ||
		*source.MaxAllocatedStorage != 1000 || !*source.DedicatedLogVolume || *source.BackupRetentionPeriod != 7 ||
		source.MasterUserSecret == nil || len(source.DomainMemberships) != 1 || *source.DomainMemberships[0].Domain != "d-1234567890" {
		t.Errorf("got source %+v", source)
	}
	if *replica.BackupRetentionPeriod != 0 || replica.MasterUserSecret != nil || *replica.StorageType != "io2" {
		t.Errorf("got replica %+v", replica)
	}
}

// TestAddTagsToResource_RefusesAsterisk: AWS accepts no asterisk as the value of a tag.
func TestAddTagsToResource_RefusesAsterisk(t *testing.T) {
	c := newTestServer(t)
	c.setPolicy(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":"rds:*"}]}`)
	for value, want := range map[string]string{"*": "InvalidParameterValue", "@any": "<nil>"} {
		_, err := c.rdsClient.AddTagsToResource(t.Context(), &rds.AddTagsToResourceInput{
			ResourceName: aws.String("arn:aws:rds:eu-west-1:123456789012:db:ledger"),
			Tags:         []rdstypes.Tag{{Key: aws.String("dbscaler.io/policy-namespace"), Value: aws.String(value)}},
		})
		if got := errorCode(err); got != want {
			t.Errorf("value %s: got %s, want %s", value, got, want)
		}
	}
}
