using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class StagePagesUnlogged : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterTable(
                name: "staged_page")
                .Annotation("Npgsql:UnloggedTable", true);

            // Gone in a minute: not worth compressing.
            migrationBuilder.Sql("alter table staged_page alter column body set storage external");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterTable(
                name: "staged_page")
                .OldAnnotation("Npgsql:UnloggedTable", true);
        }
    }
}
