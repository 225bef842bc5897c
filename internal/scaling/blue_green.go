package scaling

// BlueGreenRole is the part of a database in a blue/green deployment.
type BlueGreenRole string

// The roles.
const (
	// BlueRole is the production database.
	BlueRole BlueGreenRole = "Blue"
	// GreenRole is its copy.
	GreenRole BlueGreenRole = "Green"
)

// The statuses of a blue/green deployment that matter (RDS API reference, BlueGreenDeployment).
const (
	BlueGreenSwitchingOver = "SWITCHOVER_IN_PROGRESS"
	BlueGreenCompleted     = "SWITCHOVER_COMPLETED"
)

// BlueGreenDeployment is a blue/green deployment of a target that has not been switched over yet.
type BlueGreenDeployment struct {
	// Name is the name that the user gave, or the identifier.
	Name string
	// Role is that of the target.
	Role BlueGreenRole
	// Status is that of the RDS API, for example AVAILABLE.
	Status string
}
