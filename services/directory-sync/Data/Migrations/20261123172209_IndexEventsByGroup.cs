using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class IndexEventsByGroup : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_sync_preview_client_id_run_id",
                table: "sync_preview");

            migrationBuilder.DropIndex(
                name: "ix_sync_event_client_id_run_id",
                table: "sync_event");

            migrationBuilder.CreateIndex(
                name: "ix_sync_preview_client_id_group_id",
                table: "sync_preview",
                columns: new[] { "client_id", "group_id" },
                filter: "group_id is not null");

            migrationBuilder.CreateIndex(
                name: "ix_sync_event_client_id_group_id",
                table: "sync_event",
                columns: new[] { "client_id", "group_id" },
                filter: "group_id is not null");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_sync_preview_client_id_group_id",
                table: "sync_preview");

            migrationBuilder.DropIndex(
                name: "ix_sync_event_client_id_group_id",
                table: "sync_event");

            migrationBuilder.CreateIndex(
                name: "ix_sync_preview_client_id_run_id",
                table: "sync_preview",
                columns: new[] { "client_id", "run_id" });

            migrationBuilder.CreateIndex(
                name: "ix_sync_event_client_id_run_id",
                table: "sync_event",
                columns: new[] { "client_id", "run_id" });
        }
    }
}
