using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class LeaveRoomForUpdates : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // A user's new version on the same page leaves all five indexes alone.
            migrationBuilder.Sql("alter table directory_user set (fillfactor = 80)");

            // Read once and deleted: not worth compressing.
            migrationBuilder.Sql("alter table outbox alter column body set storage external");

            migrationBuilder.CreateIndex(
                name: "ix_directory_user_client_id_user_id",
                table: "directory_user",
                columns: new[] { "client_id", "user_id" },
                filter: "escrow_reason <> ''");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("alter table outbox alter column body set storage extended");
            migrationBuilder.Sql("alter table directory_user reset (fillfactor)");
            migrationBuilder.DropIndex(
                name: "ix_directory_user_client_id_user_id",
                table: "directory_user");
        }
    }
}
