from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("populations", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="population",
            name="annotated",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="population",
            name="evidence",
            field=models.TextField(default=""),
        ),
    ]
