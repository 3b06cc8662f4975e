package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A data source with the attributes of alicloud_live_edge_transcode_jobs. It finds as many jobs as keyword says.
type jobs struct{}

type jobsModel struct {
	ClusterID  types.String        `tfsdk:"cluster_id"`
	IDs        []string            `tfsdk:"ids"`
	Keyword    types.String        `tfsdk:"keyword"`
	NameRegex  types.String        `tfsdk:"name_regex"`
	Status     types.String        `tfsdk:"status"`
	TemplateID types.String        `tfsdk:"template_id"`
	Type       types.String        `tfsdk:"type"`
	Jobs       []foundModel        `tfsdk:"jobs"`
	Names      []string            `tfsdk:"names"`
	StreamURLs map[string]urlModel `tfsdk:"stream_urls"`
	TotalCount types.Int64         `tfsdk:"total_count"`
}

type foundModel struct {
	ClusterID    types.String `tfsdk:"cluster_id"`
	CreateTime   types.String `tfsdk:"create_time"`
	ID           types.String `tfsdk:"id"`
	JobID        types.String `tfsdk:"job_id"`
	LastStartAt  types.String `tfsdk:"last_start_at"`
	LastStopAt   types.String `tfsdk:"last_stop_at"`
	Name         types.String `tfsdk:"name"`
	Status       types.String `tfsdk:"status"`
	TemplateID   types.String `tfsdk:"template_id"`
	TemplateName types.String `tfsdk:"template_name"`
	Type         types.String `tfsdk:"type"`
}

type urlModel struct {
	StreamInput  types.String `tfsdk:"stream_input"`
	StreamOutput types.String `tfsdk:"stream_output"`
}

func (jobs) Metadata(_ context.Context, request datasource.MetadataRequest, response *datasource.MetadataResponse) {
	response.TypeName = request.ProviderTypeName + "_edge_transcode_jobs"
}

func (jobs) Schema(_ context.Context, _ datasource.SchemaRequest, response *datasource.SchemaResponse) {
	filter := schema.StringAttribute{Optional: true}
	text := schema.StringAttribute{Computed: true}
	response.Schema = schema.Schema{
		Attributes: map[string]schema.Attribute{
			"cluster_id":  schema.StringAttribute{Required: true},
			"ids":         schema.ListAttribute{ElementType: types.StringType, Optional: true, Computed: true},
			"keyword":     filter,
			"name_regex":  filter,
			"status":      filter,
			"template_id": filter,
			"type":        filter,
			"jobs": schema.ListNestedAttribute{
				Computed: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"cluster_id": text, "create_time": text, "id": text, "job_id": text, "last_start_at": text, "last_stop_at": text,
					"name": text, "status": text, "template_id": text, "template_name": text, "type": text,
				}},
			},
			"names": schema.ListAttribute{ElementType: types.StringType, Computed: true},
			"stream_urls": schema.MapNestedAttribute{
				Computed:  true,
				Sensitive: true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"stream_input": text, "stream_output": text,
				}},
			},
			"total_count": schema.Int64Attribute{Computed: true},
		},
	}
}

func (jobs) Read(ctx context.Context, request datasource.ReadRequest, response *datasource.ReadResponse) {
	var model jobsModel
	response.Diagnostics.Append(request.Config.Get(ctx, &model)...)
	count, err := strconv.Atoi(model.Keyword.ValueString())
	if err != nil {
		response.Diagnostics.AddError("Invalid keyword", err.Error())
	}
	if response.Diagnostics.HasError() {
		return
	}
	model.StreamURLs = make(map[string]urlModel, count)
	for number := range count {
		name := fmt.Sprintf("job-%d", number)
		jobID := fmt.Sprintf("9B1571B5-13CB-44F7-A1BA-%012d", number)
		id := model.ClusterID.ValueString() + ":" + jobID
		model.IDs = append(model.IDs, id)
		model.Names = append(model.Names, name)
		model.Jobs = append(model.Jobs, foundModel{
			ClusterID:    model.ClusterID,
			CreateTime:   types.StringValue("2023-07-24T16:44:55Z"),
			ID:           types.StringValue(id),
			JobID:        types.StringValue(jobID),
			Name:         types.StringValue(name),
			Status:       types.StringValue("Stopped"),
			TemplateID:   types.StringValue("tpl-h264-720p"),
			TemplateName: types.StringValue("h264-720p"),
			Type:         types.StringValue("common"),
		})
		model.StreamURLs[id] = urlModel{
			StreamInput:  types.StringValue(fmt.Sprintf("rtmp://pull.example.com/live/camera-%d", number)),
			StreamOutput: types.StringValue(fmt.Sprintf("rtmp://push.example.com/live/camera-%d", number)),
		}
	}
	model.TotalCount = types.Int64Value(int64(count))
	response.Diagnostics.Append(response.State.Set(ctx, model)...)
}
