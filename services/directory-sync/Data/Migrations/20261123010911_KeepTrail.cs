using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class KeepTrail : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "pk_sync_event",
                table: "sync_event");

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "resume_at",
                table: "sync_run",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "status",
                table: "sync_event",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "escrow_due_at",
                table: "client_sync",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddPrimaryKey(
                name: "pk_sync_event",
                table: "sync_event",
                columns: new[] { "client_id", "occurred_at", "id" });

            migrationBuilder.CreateTable(
                name: "escrow",
                columns: table => new
                {
                    client_id = table.Column<Guid>(type: "uuid", nullable: false),
                    subject_id = table.Column<Guid>(type: "uuid", nullable: false),
                    msp_id = table.Column<Guid>(type: "uuid", nullable: false),
                    is_group = table.Column<bool>(type: "boolean", nullable: false),
                    object_id = table.Column<Guid>(type: "uuid", nullable: false),
                    source = table.Column<int>(type: "integer", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false),
                    first_seen_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    attempts = table.Column<int>(type: "integer", nullable: false),
                    next_retry_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_escrow", x => new { x.client_id, x.subject_id });
                });

            migrationBuilder.CreateTable(
                name: "housekeeping",
                columns: table => new
                {
                    job = table.Column<string>(type: "text", nullable: false),
                    next_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_housekeeping", x => x.job);
                });

            migrationBuilder.CreateTable(
                name: "sync_preview",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    client_id = table.Column<Guid>(type: "uuid", nullable: false),
                    occurred_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    msp_id = table.Column<Guid>(type: "uuid", nullable: false),
                    run_id = table.Column<Guid>(type: "uuid", nullable: false),
                    action = table.Column<int>(type: "integer", nullable: false),
                    status = table.Column<int>(type: "integer", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: true),
                    group_id = table.Column<Guid>(type: "uuid", nullable: true),
                    display_name = table.Column<string>(type: "text", nullable: false),
                    changes = table.Column<string>(type: "jsonb", nullable: true),
                    reason_code = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_sync_preview", x => new { x.client_id, x.occurred_at, x.id });
                });

            migrationBuilder.CreateIndex(
                name: "ix_escrow_client_id_next_retry_at",
                table: "escrow",
                columns: new[] { "client_id", "next_retry_at" });

            migrationBuilder.CreateIndex(
                name: "ix_sync_preview_client_id_run_id",
                table: "sync_preview",
                columns: new[] { "client_id", "run_id" });

            migrationBuilder.CreateIndex(
                name: "ix_sync_preview_client_id_user_id",
                table: "sync_preview",
                columns: new[] { "client_id", "user_id" });

            migrationBuilder.Sql(TrailPartitions.Create);
            migrationBuilder.Sql(TrailPartitions.KeepFunction);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(TrailPartitions.Undo);

            migrationBuilder.DropTable(
                name: "escrow");

            migrationBuilder.DropTable(
                name: "housekeeping");

            migrationBuilder.DropTable(
                name: "sync_preview");

            migrationBuilder.DropPrimaryKey(
                name: "pk_sync_event",
                table: "sync_event");

            migrationBuilder.DropColumn(
                name: "resume_at",
                table: "sync_run");

            migrationBuilder.DropColumn(
                name: "status",
                table: "sync_event");

            migrationBuilder.DropColumn(
                name: "escrow_due_at",
                table: "client_sync");

            migrationBuilder.AddPrimaryKey(
                name: "pk_sync_event",
                table: "sync_event",
                columns: new[] { "client_id", "id" });
        }
    }
}
