package model

import (
	"reflect"
	"testing"
)

// ledgerWith is a standalone instance "ledger" with settings.
func ledgerWith(settings InstanceSettings) Database {
	d := standaloneInstance(1, "db.r6g.large", false)
	d.Settings = &settings
	return d
}

// TestCreateReplica_RefusesSettings checks the codes and texts with which AWS refuses a read replica.
func TestCreateReplica_RefusesSettings(t *testing.T) {
	for _, test := range []struct {
		name     string
		engine   string
		settings InstanceSettings
		create   CreateReplicaRequest
		code     string
		message  string
	}{
		{
			"parameter group", "postgres", InstanceSettings{}, CreateReplicaRequest{ParameterGroup: "tuned"}, "InvalidParameterCombination",
			"A parameter group can't be specified during Read Replica creation for the following DB engine: postgres",
		},
		{
			"parameter group of mysql", "mysql", InstanceSettings{}, CreateReplicaRequest{ParameterGroup: "tuned"}, "InvalidParameterCombination",
			"A parameter group can't be specified during Read Replica creation for the following DB engine: mysql",
		},
		{
			"source without automated backups", "postgres", InstanceSettings{NoAutomatedBackups: true}, CreateReplicaRequest{},
			"InvalidDBInstanceState", "Automated backups are not enabled for this database instance. To enable automated backups, use " +
				"ModifyDBInstance to set the backup retention period to a non-zero value.",
		},
		{
			"master password in Secrets Manager", "mysql", InstanceSettings{ManagedMasterPassword: true}, CreateReplicaRequest{},
			"InvalidParameterValue", "Creating read replicas for source instance with engine mysql where ManageMasterUserPassword is enabled " +
				"is not supported.",
		},
		{
			"IOPS for a small gp3 volume", "postgres", InstanceSettings{},
			CreateReplicaRequest{Settings: InstanceSettings{Storage: Storage{Type: "gp3", IOPS: 3000}}}, "InvalidParameterCombination",
			"You can't specify IOPS or storage throughput for engine postgres and a storage size less than 400.",
		},
		{
			"io2 without IOPS", "postgres", InstanceSettings{},
			CreateReplicaRequest{Settings: InstanceSettings{Storage: Storage{Type: "io2"}}}, "InvalidParameterCombination",
			"The storage type io2 requires iops to be specified.",
		},
		{
			"storage autoscaling not above the allocated storage", "postgres", InstanceSettings{},
			CreateReplicaRequest{Settings: InstanceSettings{Storage: Storage{MaxAllocatedGiB: 100}}}, "InvalidParameterCombination",
			"Max storage size must be greater than storage size",
		},
		{
			"storage autoscaling close to the allocated storage", "postgres", InstanceSettings{},
			CreateReplicaRequest{Settings: InstanceSettings{Storage: Storage{MaxAllocatedGiB: 109}}}, "InvalidParameterCombination",
			"The maximum allocated storage must be increased by at least 10 percent.",
		},
		{
			"tag outside the grammar", "postgres", InstanceSettings{}, CreateReplicaRequest{Tags: map[string]string{"owner": "*"}},
			"InvalidParameterValue",
			`Tag values may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + \ - @`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := ledgerWith(test.settings)
			d.Engine = test.engine
			test.create.Identifier, test.create.Source = "ledger-new", "ledger"
			_, err := newWorld(t, nil, d).CreateReplica(testRegion, test.create)
			assertAPIError(t, err, test.code, 400, test.message)
		})
	}
}

// TestCreateReplica_DefaultsOfOmittedSettings: a setting that the request omits has AWS's default, not the value of the source.
func TestCreateReplica_DefaultsOfOmittedSettings(t *testing.T) {
	source := InstanceSettings{
		SecurityGroups: []string{"sg-1", "sg-2"}, IAMAuthentication: true, LogExports: []string{"postgresql"}, NetworkType: "DUAL",
		Storage: Storage{Type: "io2", AllocatedGiB: 500, IOPS: 20000, MaxAllocatedGiB: 1000, DedicatedLogVolume: true},
	}
	w := newWorld(t, nil, ledgerWith(source))
	omitted := must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "ledger-1", Source: "ledger"}))
	if want := (InstanceSettings{
		SecurityGroups: []string{defaultSecurityGroup}, NetworkType: "IPV4", NoAutomatedBackups: true,
		Storage: Storage{Type: "gp3", AllocatedGiB: 500, IOPS: 12000, ThroughputMiBps: 500},
	}); !reflect.DeepEqual(omitted.Settings, want) {
		t.Errorf("got  %+v\nwant %+v", omitted.Settings, want)
	}
	given := must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "ledger-2", Source: "ledger", Settings: source}))
	source.NoAutomatedBackups = true
	if !reflect.DeepEqual(given.Settings, source) {
		t.Errorf("got  %+v\nwant %+v", given.Settings, source)
	}
}

func TestScenario_RefusesSettings(t *testing.T) {
	withBackups := ledgerWith(InstanceSettings{NoAutomatedBackups: true})
	withBackups.Backups = true
	cluster := auroraCluster(1, 1, "db.r6g.large")
	cluster.Settings = &InstanceSettings{}
	for name, d := range map[string]Database{
		"network type":              ledgerWith(InstanceSettings{NetworkType: "IPV9"}),
		"storage type":              ledgerWith(InstanceSettings{Storage: Storage{Type: "aurora"}}),
		"negative storage":          ledgerWith(InstanceSettings{Storage: Storage{IOPS: -1}}),
		"backups that are disabled": withBackups,
		"settings of a cluster":     cluster,
	} {
		s := Scenario{AccountID: testAccount, Databases: []Database{d}}
		s.Start.Time = testStart
		if err := s.Validate(); err == nil {
			t.Errorf("%s: the scenario is accepted", name)
		}
	}
}
