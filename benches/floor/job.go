package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A resource with the attributes of alicloud_live_edge_transcode_job.
type job struct{}

type jobModel struct {
	ClusterID              types.String   `tfsdk:"cluster_id"`
	Name                   types.String   `tfsdk:"name"`
	TemplateID             types.String   `tfsdk:"template_id"`
	StreamInput            types.String   `tfsdk:"stream_input"`
	StreamOutput           types.String   `tfsdk:"stream_output"`
	Status                 types.String   `tfsdk:"status"`
	AllowStoppingForUpdate types.Bool     `tfsdk:"allow_stopping_for_update"`
	DeletionProtection     types.Bool     `tfsdk:"deletion_protection"`
	ID                     types.String   `tfsdk:"id"`
	JobID                  types.String   `tfsdk:"job_id"`
	CreateTime             types.String   `tfsdk:"create_time"`
	LastStartAt            types.String   `tfsdk:"last_start_at"`
	LastStopAt             types.String   `tfsdk:"last_stop_at"`
	TemplateName           types.String   `tfsdk:"template_name"`
	Type                   types.String   `tfsdk:"type"`
	Timeouts               *timeoutsModel `tfsdk:"timeouts"`
}

type timeoutsModel struct {
	Create types.String `tfsdk:"create"`
	Read   types.String `tfsdk:"read"`
	Update types.String `tfsdk:"update"`
	Delete types.String `tfsdk:"delete"`
}

func (job) Metadata(_ context.Context, request resource.MetadataRequest, response *resource.MetadataResponse) {
	response.TypeName = request.ProviderTypeName + "_edge_transcode_job"
}

func (job) Schema(_ context.Context, _ resource.SchemaRequest, response *resource.SchemaResponse) {
	required := schema.StringAttribute{Required: true}
	flag := schema.BoolAttribute{Optional: true}
	computed := schema.StringAttribute{
		Computed:      true,
		PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
	duration := schema.StringAttribute{Optional: true}
	response.Schema = schema.Schema{
		Attributes: map[string]schema.Attribute{
			"cluster_id": schema.StringAttribute{
				Required:      true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"name":          required,
			"template_id":   required,
			"stream_input":  required,
			"stream_output": required,
			"status": schema.StringAttribute{
				Optional:      true,
				Computed:      true,
				PlanModifiers: computed.PlanModifiers,
			},
			"allow_stopping_for_update": flag,
			"deletion_protection":       flag,
			"id":                        computed,
			"job_id":                    computed,
			"create_time":               computed,
			"last_start_at":             computed,
			"last_stop_at":              computed,
			"template_name":             computed,
			"type":                      computed,
		},
		Blocks: map[string]schema.Block{
			"timeouts": schema.SingleNestedBlock{
				Attributes: map[string]schema.Attribute{
					"create": duration, "read": duration, "update": duration, "delete": duration,
				},
			},
		},
	}
}

func (job) Create(ctx context.Context, request resource.CreateRequest, response *resource.CreateResponse) {
	var model jobModel
	response.Diagnostics.Append(request.Plan.Get(ctx, &model)...)
	if response.Diagnostics.HasError() {
		return
	}
	jobID := rand.Text()
	model.ID = types.StringValue(model.ClusterID.ValueString() + ":" + jobID)
	model.JobID = types.StringValue(jobID)
	model.CreateTime = types.StringValue(time.Now().UTC().Format(time.RFC3339))
	model.LastStartAt = types.StringNull()
	model.LastStopAt = types.StringNull()
	model.TemplateName = types.StringValue("h264-720p")
	model.Type = types.StringValue("common")
	if model.Status.IsUnknown() {
		model.Status = types.StringValue("Stopped")
	}
	response.Diagnostics.Append(response.State.Set(ctx, model)...)
}

// Read decodes and encodes the state, as a provider does that compares it with what an API says.
func (job) Read(ctx context.Context, request resource.ReadRequest, response *resource.ReadResponse) {
	var model jobModel
	response.Diagnostics.Append(request.State.Get(ctx, &model)...)
	response.Diagnostics.Append(response.State.Set(ctx, model)...)
}

func (job) Update(ctx context.Context, request resource.UpdateRequest, response *resource.UpdateResponse) {
	var model jobModel
	response.Diagnostics.Append(request.Plan.Get(ctx, &model)...)
	response.Diagnostics.Append(response.State.Set(ctx, model)...)
}

func (job) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
